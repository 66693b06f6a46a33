"""Directories of runs in progress: made and locked before anything of a run exists, removed after everything of it is gone.

Whoever finds one whose lock is free knows that its owner is dead, and which leftovers to look for.
"""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from runner.sandbox.mounts import mounted_under, unmount

_LOCK = "lock"
_UNBORN = ".new"
_BIRTH_SECONDS = 60.0
"""How long the few system calls between making a directory and locking it may take."""


@dataclass(frozen=True)
class Live:
    """The directory of one run of this process."""

    id: str
    path: Path
    lock: int

    def dispose(self) -> None:
        """Remove what the run left on this host; call it when the engine's side is gone."""
        erase(self.path)
        with suppress(OSError):
            os.close(self.lock)


def begin(home: Path) -> Live:
    """A new directory under `home` with a fresh run id, already locked; raises OSError."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    run_id = secrets.token_hex(6)
    unborn = home / f"{run_id}{_UNBORN}"
    unborn.mkdir(mode=0o700)
    lock = os.open(unborn / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    unborn.rename(home / run_id)
    return Live(id=run_id, path=home / run_id, lock=lock)


@contextmanager
def scratch(home: Path) -> Iterator[Path]:
    """A directory for temporary files, gone afterwards; should this process die, the next start removes it. Raises OSError."""
    alive = begin(home)
    try:
        yield alive.path
    finally:
        alive.dispose()


@dataclass(frozen=True)
class Stale:
    """A directory whose owner is dead; locked by us while we clean."""

    id: str
    path: Path
    lock: int
    touched: float
    """When the owner last added something to it, as seconds since the epoch."""


def stale(home: Path) -> Iterator[Stale]:
    """Directories whose owner is dead, each locked until the caller asks for the next one."""
    try:
        paths = sorted(home.iterdir())
    except OSError:
        return
    for path in paths:
        if (lock := _seize(path)) is None:
            continue
        try:
            yield Stale(id=path.name.removesuffix(_UNBORN), path=path, lock=lock, touched=_touched(path))
        finally:
            os.close(lock)


def _seize(path: Path) -> int | None:
    """The lock of a dead owner's directory, or `None` when the owner lives, is being born, or is somebody else's to judge."""
    if path.name.endswith(_UNBORN) and time.time() - _touched(path) < _BIRTH_SECONDS:
        return None
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def erase(path: Path) -> None:
    """Unmount what is mounted below a directory, then remove it; what cannot go now is left for the next sweep."""
    for point in mounted_under(path):
        with suppress(OSError):
            unmount(point)
    if not mounted_under(path):
        shutil.rmtree(path, ignore_errors=True)
