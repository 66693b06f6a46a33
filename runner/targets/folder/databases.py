"""Keeps the SQLite databases of the service still for the moment in which two folders change places.

SQLite makes, and deletes, files beside a database by name: a rollback journal for each transaction, a write-ahead log for as long as
anybody has it open. A journal that stays behind, or one that comes back after its transaction was committed, ruins the database. So
the locks that SQLite itself takes are taken here: nobody can begin a transaction, make a log or delete one, while they are held.
Whoever wants to meanwhile is told that the database is busy, as by any other process that writes to it.
"""

import errno
import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from runner.targets.folder.descent import Descent, Gone

BESIDE: Final = (b"-journal", b"-wal", b"-shm")
"""How the files end that SQLite keeps beside a database."""
_MAGIC: Final = b"SQLite format 3\0"
_PAGE: Final = 512
_HEADER: Final = 100
_WAL: Final = 2
_PENDING: Final = 0x40000000
_RESERVED: Final = _PENDING + 1
_SHARED: Final = _PENDING + 2
_SHARED_SIZE: Final = 510
_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_ALONE: Final = 0.25
"""Seconds in which there may be no log at all, before it is enough that nobody makes one or deletes it."""
_TURN: Final = 0.03
"""Seconds that one database is waited for while others are held; then all are let go, so that nobody waits for us for ever."""
_PAUSE: Final = 0.0001
_OPENED: Final = 1
"""Somebody has it open: its log stays, and is the same in both folders."""
_QUIET: Final = 2


def is_database(descent: Descent, path: bytes) -> bool:
    """Whether a file is an SQLite database that others may be writing to; anything that cannot be read is none."""
    with suppress(OSError, Gone):
        folder, name = descent.at(path)
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size < _PAGE or facts.st_size % _PAGE:
            return False
        file = os.open(name, _OPEN & ~os.O_RDWR | os.O_RDONLY, dir_fd=folder)
        try:
            return os.pread(file, len(_MAGIC), 0) == _MAGIC
        finally:
            os.close(file)
    return False


@contextmanager
def still(descent: Descent, paths: Iterable[bytes], patience: float) -> Iterator[frozenset[bytes]]:
    """While inside, no transaction goes on in any of these databases, as far as that could be had within `patience` seconds.

    Gives those that nobody has a transaction in, and nobody a log of: what lies beside them is there for good. One that somebody keeps
    locked all the time, as with `locking_mode=EXCLUSIVE`, has files beside it that stay as they are.
    """
    opened = list(_opened(descent, paths))
    try:
        begun = time.monotonic()
        while not all(had := _all_locked(opened, alone=time.monotonic() < begun + _ALONE)) and time.monotonic() < begun + patience:
            for one in opened:
                _lock(one.file, fcntl.F_UNLCK, 0, 0)
            time.sleep(_PAUSE * 10)
        yield frozenset(one.path for one, how in zip(opened, had, strict=True) if how == _QUIET)
    finally:
        for one in opened:
            os.close(one.file)


class _Database(NamedTuple):
    file: int
    path: bytes
    top: int
    """The folder that the path begins in."""

    @property
    def has_log(self) -> bool:
        """Whether its write-ahead log is there."""
        try:
            os.stat(self.path + b"-wal", dir_fd=self.top, follow_symlinks=False)
        except OSError:
            return False
        return True


def _opened(descent: Descent, paths: Iterable[bytes]) -> Iterator[_Database]:
    for path in paths:
        with suppress(OSError, Gone):
            folder, name = descent.at(path)
            yield _Database(os.open(name, _OPEN, dir_fd=folder), path, descent.top)


def _all_locked(opened: Sequence[_Database], *, alone: bool) -> list[int]:
    """How well each is locked until its file is closed, 0 for not at all; within a turn for each."""
    had = []
    for one in opened:
        until = time.monotonic() + _TURN
        while not (how := _try(one, alone=alone)):
            _lock(one.file, fcntl.F_UNLCK, 0, 0)
            if time.monotonic() > until:
                break
            time.sleep(_PAUSE)
        had.append(how)
        if not how:
            break
    return had + [0] * (len(opened) - len(had))


def _try(one: _Database, *, alone: bool) -> int:
    """As a reader first: then the mode can change no more, nor a log be deleted; and then so that nothing is begun.

    A database with a log is best had when there is none: none in either folder that the other could contradict. One that has been
    written back goes when the last who has the database open closes it, unless anybody has a lock then. So that is not asked by locks.
    """
    file = one.file
    if _has_log_mode(file) and alone and (_others(file) or one.has_log):
        return 0
    if not (_lock(file, fcntl.F_RDLCK, _PENDING, 1) and _lock(file, fcntl.F_RDLCK, _SHARED, _SHARED_SIZE)):
        return 0
    _lock(file, fcntl.F_UNLCK, _PENDING, 1)
    if not _has_log_mode(file):
        return _QUIET * _lock(file, fcntl.F_WRLCK, _RESERVED, 1)
    if not alone and one.has_log and _others(file):
        return _OPENED
    whole = _lock(file, fcntl.F_WRLCK, _PENDING, 1) and _lock(file, fcntl.F_WRLCK, _SHARED, _SHARED_SIZE)
    return _QUIET * (whole and not (alone and one.has_log))


def _has_log_mode(file: int) -> bool:
    header = os.pread(file, _HEADER, 0)
    return len(header) == _HEADER and header[18] == _WAL


def _others(file: int) -> bool:
    """Whether anybody else has a lock as one who reads: of a database with a log, whoever has it open."""
    asked = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK, _SHARED, _SHARED_SIZE))
    return bool(struct.unpack_from("@h", asked)[0] != fcntl.F_UNLCK)


def _flock(kind: int, start: int, length: int) -> bytes:
    return struct.pack("@hhqqi4x", kind, os.SEEK_SET, start, length, 0)


def _lock(file: int, kind: int, start: int, length: int) -> bool:
    """A lock of this open file, whatever else this process has open; `False` when somebody is in the way."""
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _flock(kind, start, length))
    except OSError as problem:
        if problem.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
