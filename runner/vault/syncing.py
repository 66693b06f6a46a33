"""Many files made durable: one by one, or with the whole file system at once where that is as safe and much faster."""

import ctypes
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

_FEW: Final = 64
"""Up to so many are synced one by one: what other programs have not written out yet is none of our waiting then."""
_TELLS_ERRORS: Final = (5, 8)
"""Since this Linux, syncfs tells that something could not be written."""
_LOCAL: Final = frozenset((0xEF53, 0x58465342, 0x9123683E, 0x01021994))
"""ext4, xfs, btrfs and tmpfs, by statfs: what they say of syncfs is about the disk, and not about a file system below or a server."""


class Batch:
    """Files that one folder's file system must hold before anything refers to them. Made before they are written."""

    def __init__(self, opened: int) -> None:
        self._opened = opened

    def at_once(self, count: int) -> bool:
        """Whether so many files are better synced by `sync_all`."""
        return count > _FEW and _at_once(self._opened)

    def sync_all(self) -> None:
        """Make everything on the file system durable. Raises OSError; what was written is lost then, never synced again."""
        _syncfs(self._opened)

    def sync(self, files: Sequence[Path]) -> None:
        """Make the contents of these files durable. Raises OSError; what was written is lost then, never synced again."""
        if self.at_once(len(files)):
            self.sync_all()
            return
        for file in files:
            _sync_file(file)


@contextmanager
def batch(folder: Path) -> Iterator[Batch]:
    """A batch of files below `folder`. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # an error of before is not ours, and each later one is told
    try:
        yield Batch(opened)
    finally:
        os.close(opened)


def _sync_file(file: Path) -> None:
    opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@cache
def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _syncfs(opened: int) -> None:
    if _library().syncfs(opened):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _at_once(opened: int) -> bool:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if found is None or (int(found[1]), int(found[2])) < _TELLS_ERRORS or not hasattr(_library(), "syncfs"):
        return False
    answer = (ctypes.c_long * 64)()  # struct statfs begins with the kind of the file system
    return _library().fstatfs(opened, ctypes.byref(answer)) == 0 and answer[0] & 0xFFFFFFFF in _LOCAL
