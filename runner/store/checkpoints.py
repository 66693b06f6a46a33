"""Checkpoints of the audit log, kept in a file outside the database: what it said then, it must say for ever."""

import fcntl
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, NamedTuple

from runner.replacing import replace

log = logging.getLogger(__name__)
MOST = 2**20
"""Bytes after which the file is thinned out."""
_RECENT = 2000
"""Checkpoints that thinning leaves alone, counted from the newest."""
_PATIENCE = 1.0
_LINE: Final = re.compile(r"([1-9][0-9]{0,18}) ([0-9]{1,12}(?:\.[0-9]{1,6})?) ([0-9a-f]{64})", re.ASCII)


class Checkpoint(NamedTuple):
    """An entry of the audit log: its number, when it was written (seconds since 1970), its hash."""

    seq: int
    at: float
    hash: str

    @property
    def line(self) -> str:
        """As it stands in a file. The hash comes last: a line that a crash cut short can then not pass for a whole one."""
        return f"{self.seq} {self.at:.3f} {self.hash}"


def read(text: str) -> Checkpoint | None:
    """The checkpoint of a line; `None` for a line that holds none."""
    found = _LINE.fullmatch(text)
    return Checkpoint(int(found[1]), float(found[2]), found[3]) if found else None


class Checkpoints:
    """The file; nothing of it is needed to go on, so that nothing here stops a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[Checkpoint, ...]:
        """Every checkpoint, as far as it can be read: a crash may have torn a line. Raises OSError."""
        try:
            with self.path.open("rb") as file:
                return _parsed(file.read())
        except FileNotFoundError:
            return ()

    def keep(self, checkpoint: Checkpoint) -> None:
        """Add one at the end; a file that cannot be written is only logged, since the entry itself is safe."""
        try:
            with _opened(self.path) as file:
                file.write(f"\n{checkpoint.line}\n".encode())  # the line feed before it ends a line that a crash tore
                file.flush()
                if file.tell() > MOST:
                    self._thin_out(file)
        except OSError as problem:
            log.warning("the checkpoint %s of the audit log cannot be kept in %s: %s", checkpoint.seq, self.path, problem)

    def _thin_out(self, file: IO[bytes]) -> None:
        """Write the file anew with fewer old checkpoints, unless somebody else adds one now: then the next one will."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        kept = thinned(_parsed(self.path.read_bytes()))
        replace(self.path, "".join(f"{checkpoint.line}\n" for checkpoint in kept).encode())


def thinned(checkpoints: Iterable[Checkpoint]) -> tuple[Checkpoint, ...]:
    """The newest, every other one of the older, the oldest, and all that contradict another: those are evidence."""
    every = sorted(set(checkpoints))
    old, recent = every[:-_RECENT], every[-_RECENT:]
    evidence = {one.seq for one, other in pairwise(every) if one.seq == other.seq}
    return (*(one for number, one in enumerate(old) if number % 2 == 0 or one.seq in evidence), *recent)


def _parsed(content: bytes) -> tuple[Checkpoint, ...]:
    lines = content.decode("ascii", "replace").split("\n")
    return tuple(found for line in lines if (found := read(line)) is not None)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, to append to, held against whoever would write it anew."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            if (_shared(file) and _is_still(path, file)) or time.monotonic() > deadline:
                yield file
                return
        time.sleep(0.005)


def _shared(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _is_still(path: Path, file: IO[bytes]) -> bool:
    """Whether the file was not written anew since it was opened."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    opened = os.fstat(file.fileno())
    return (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)
