"""What the base answered to controls, kept between runs, one compressed file each; safe to delete."""

import gzip
import logging
import os
import zlib
from contextlib import suppress
from pathlib import Path

from runner.replacing import replace

log = logging.getLogger(__name__)


class FileKeepsakes:
    """Keeps answers as files named by their key; what is in one is whoever asks for it to judge."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> bytes | None:
        """What was kept under this key; a file that cannot be read counts as absent."""
        file = self._file(key)
        try:
            content = gzip.decompress(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, EOFError, zlib.error) as problem:
            log.warning("the kept answer %s cannot be read: %s", key, problem)
            return None
        with suppress(OSError):  # its time is that of its last use
            os.utime(file)
        return content or None

    def save(self, key: str, content: bytes) -> None:
        """Written beside and renamed, so that a reader sees all or nothing. A full disk is not an error."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace(self._file(key), gzip.compress(content, compresslevel=3))
        except OSError as problem:
            log.warning("an answer of the base cannot be kept: %s", problem)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.keepsake.gz"
