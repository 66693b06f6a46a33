"""The lock of a vault: many may write and read at once, and who deletes is alone. The kernel lets go of it when its holder dies."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runner.errors import InfrastructureError

_READS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_NONE: Final = frozenset((errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL))
"""What a file system without locks says."""


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold it together with others. On a file system without locks nobody deletes, which is as safe. Raises OSError."""
    lock = _opened(path)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
        except OSError as problem:
            if problem.errno not in _NONE:
                raise
        yield
    finally:
        os.close(lock)


@contextmanager
def alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold it alone; `waiting` is called once when somebody else has it. Raises OSError, and InfrastructureError where there are no locks."""
    lock = _opened(path)
    try:
        try:
            if not _seized(lock):
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as problem:
            if problem.errno not in _NONE:
                raise
            raise InfrastructureError(f"the file system of {path.parent} has no locks: nothing can be deleted there safely") from problem
        yield
    finally:
        os.close(lock)


@contextmanager
def alone_at_once(path: Path) -> Iterator[bool]:
    """Hold it alone if nobody else has it; tells whether. Raises OSError."""
    lock = _opened(path)
    try:
        try:
            held = _seized(lock)
        except OSError:
            held = False
        yield held
    finally:
        os.close(lock)


def _seized(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int:
    try:
        return os.open(path, _READS | os.O_CREAT, 0o600)
    except OSError as problem:
        if problem.errno not in (errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT):
            raise
        return os.open(path, _READS)  # a vault that cannot be written can still be read
