"""Locks on files, released by the kernel when their holder dies; the file of a lock may be removed by who holds it alone."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of `path` (made when absent); `waiting` is called once when another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def share(path: Path) -> int:
    """Hold the lock of `path` (made when absent) together with others, and note the time; close the descriptor to let go.

    On a file system without locks nobody can hold one alone, which is as safe. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        lock = os.open(path, _OPEN, 0o600)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_SH)
        if _is_still(lock, path):
            os.utime(lock)
            return lock
        os.close(lock)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold the lock of `path` (made when absent) alone, if nobody else holds it; tells whether. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path, _OPEN, 0o600)
    try:
        yield _seized(lock) and _is_still(lock, path)
    finally:
        os.close(lock)


def _seized(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by somebody, or a file system without locks
        return False
    return True


def _is_still(lock: int, path: Path) -> bool:
    """Whether the file of a lock is still that of its path, and was not removed while we waited for it."""
    try:
        return os.path.samestat(os.fstat(lock), path.lstat())
    except FileNotFoundError:
        return False
