"""What is mounted where, as the kernel tells it."""

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

_TABLE: Final = Path("/proc/self/mountinfo")


class Mount(NamedTuple):
    """A mount point by its real path, and the kind of file system there."""

    at: bytes
    kind: str


def mounts() -> tuple[Mount, ...]:
    """All of them, in the order of the table; none where the kernel does not tell."""
    try:
        lines = _TABLE.read_bytes().splitlines()
    except OSError:
        return ()
    found = []
    for line in lines:
        fields, _, rest = line.partition(b" - ")
        words = fields.split(b" ")
        if len(words) > 4 and rest:  # noqa: PLR2004 - the fifth is the mount point
            found.append(Mount(_plain(words[4]), rest.split(b" ")[0].decode("ascii", "replace")))
    return tuple(found)


def mounted_inside(folder: Path) -> bool:
    """Whether something is mounted on a folder or below it."""
    real = os.path.realpath(os.fsencode(folder))
    return any(mount.at == real or mount.at.startswith(real.rstrip(b"/") + b"/") for mount in mounts())


def file_system(folder: Path) -> str:
    """The kind of file system that a folder is on; empty when nobody tells."""
    real = os.path.realpath(os.fsencode(folder))
    above = [mount for mount in mounts() if mount.at in (b"/", real) or real.startswith(mount.at + b"/")]
    return max(enumerate(above), key=lambda one: (len(one[1].at), one[0]))[1].kind if above else ""


def _plain(field: bytes) -> bytes:
    r"""The table writes spaces and the like as `\040`."""
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), field)
