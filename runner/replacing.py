"""Writes files whole or not at all, whoever reads them meanwhile."""

from pathlib import Path
from tempfile import NamedTemporaryFile


def replace(path: Path, content: bytes) -> None:
    """Write beside `path`, for this user alone (mode 0600), and rename; raises OSError and leaves nothing behind."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as beside:
        try:
            beside.write(content)
            beside.flush()
            Path(beside.name).replace(path)
        except BaseException:
            Path(beside.name).unlink()
            raise
