"""Which runs still have a process: each holds a lock file `<state>/running/<run>` that the kernel lets go of when it dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from runner.replacing import replace

_PLACE = "place"


def place(state: Path) -> str:
    """The name of this state folder, given at random when it is first asked for: locks and logs of a run are in one such folder.

    Raises OSError when it cannot be kept.
    """
    if found := known_place(state):
        return found
    beside = state / f".place-{uuid4().hex}"
    replace(beside, f"{uuid4().hex}\n".encode())
    try:
        with suppress(FileExistsError):  # another process was first
            os.link(beside, state / _PLACE)
    finally:
        beside.unlink()
    return known_place(state)


def known_place(state: Path) -> str:
    """The same, but empty where no run ever began. Raises OSError when it cannot be read."""
    try:
        return (state / _PLACE).read_text("ascii", "replace").strip()[:64]
    except FileNotFoundError:
        return ""


def own(state: Path, run: str) -> int:
    """Hold the lock of a run of this process; the descriptor to give to `disown`. Raises OSError when it cannot be made."""
    folder = state / "running"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / run, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with suppress(OSError):  # a file system without locks: nobody can tell there, and nobody will
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def disown(state: Path, run: str, lock: int | None = None) -> None:
    """Remove the lock of a run that has ended."""
    with suppress(OSError):
        (state / "running" / run).unlink()
    if lock is not None:
        with suppress(OSError):
            os.close(lock)


def is_dead(state: Path, run: str) -> bool:
    """Whether nobody works on this run any more."""
    return is_free(state / "running" / run)


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock of `path`; a lock that cannot be asked counts as held."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)
