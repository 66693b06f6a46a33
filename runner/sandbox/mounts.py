"""Mounting and unmounting of a small memory file system on this host, without a child process."""

import ctypes
import os
from functools import cache
from pathlib import Path

_NOSUID, _NODEV = 2, 4
_DETACH, _NO_FOLLOW = 2, 8


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(path: Path, options: str) -> None:
    """Mount a tmpfs with `options` (`size=…,nr_inodes=…`), nosuid and nodev; raises OSError."""
    target = os.fsencode(path)
    if _libc().mount(b"seatrial", target, b"tmpfs", ctypes.c_ulong(_NOSUID | _NODEV), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


def unmount(path: Path) -> None:
    """Take a mount away, at once or as soon as its last user is gone; raises OSError."""
    if _libc().umount2(os.fsencode(path), _DETACH | _NO_FOLLOW) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


def mounted_under(directory: Path) -> list[Path]:
    """The mount points at or below a directory, innermost first."""
    top = os.path.realpath(directory)
    with Path("/proc/self/mountinfo").open("rb") as table:
        points = [os.fsdecode(line.split(b" ")[4].decode("unicode_escape").encode("latin-1")) for line in table]
    inside = [point for point in points if point == top or point.startswith(f"{top}/")]
    return [Path(point) for point in reversed(inside)]
