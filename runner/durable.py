"""Files that must survive a power cut: written beside, synced, renamed, and the folder synced; and folders that change places at once."""

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from uuid import uuid4

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError; after EIO what was written must be taken for lost, never synced again."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put a file of these bytes at `path`, whole or not at all, and durable once this returns. Raises OSError and leaves nothing behind."""
    beside = path.with_name(f".{uuid4().hex}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@cache
def _renameat2() -> Callable[..., int]:
    library = ctypes.CDLL(None, use_errno=True)
    try:
        found: Callable[..., int] = library.renameat2
    except AttributeError as problem:
        raise OSError(errno.ENOSYS, "this system has no renameat2") from problem
    return found


def exchange(one: Path, other: Path) -> None:
    """Let two names of one file system change places in one step (Linux renameat2 with RENAME_EXCHANGE).

    Raises OSError: EINVAL or ENOSYS where the file system or the system cannot, EXDEV across file systems, EBUSY for mount points,
    ENOENT when one is absent. The folders that hold them are not synced.
    """
    if _renameat2()(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))
