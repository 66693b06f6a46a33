"""What the kernel tells of one process, and the file that says which one it is."""

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

_STATE, _USER, _SYSTEM, _START, _RESIDENT = 0, 11, 12, 19, 21
"""Places in /proc/PID/stat behind the name, which may itself hold anything."""
_MOST: Final = 4096
_DIGITS: Final = 10


class Unreadable(Exception):
    """It cannot be told; the message says why, printable but for names."""


class Seen(NamedTuple):
    """One process at one moment."""

    pid: int
    started: int
    """Ticks since the boot: with the number, nobody else's for as long as the machine runs."""
    dead: bool
    """It has ended, and nobody has asked how yet."""
    used: float
    """Seconds of processor time, of all its threads; not of its children."""
    resident: int
    """Bytes of memory."""


def look(pid: int, proc: Path = Path("/proc")) -> Seen | None:
    """The process of that number; `None` when there is none. Raises Unreadable."""
    try:
        text = (proc / str(pid) / "stat").read_bytes()[:_MOST]
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as problem:
        raise Unreadable(f"process {pid} cannot be looked at: {problem.strerror}") from None
    fields = text.rpartition(b")")[2].split()
    try:
        ticks = int(fields[_USER]) + int(fields[_SYSTEM])
        started, pages = int(fields[_START]), int(fields[_RESIDENT])
    except (IndexError, ValueError):
        raise Unreadable(f"/proc/{pid}/stat makes no sense") from None
    used = ticks / os.sysconf("SC_CLK_TCK")
    return Seen(pid, started, fields[_STATE] in (b"Z", b"X", b"x"), used, pages * os.sysconf("SC_PAGE_SIZE"))


def pid_in(file: Path) -> int | None:
    """The number in a pid file; `None` when there is no such file. Waits for nothing and follows no link. Raises Unreadable."""
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise Unreadable(f"{file} cannot be read: {problem.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise Unreadable(f"{file} is no regular file")
        words = os.read(opened, _MOST).split()
    except OSError as problem:
        raise Unreadable(f"{file} cannot be read: {problem.strerror}") from None
    finally:
        os.close(opened)
    if not words or not words[0].isdigit() or len(words[0]) > _DIGITS or not int(words[0]):
        raise Unreadable(f"{file} does not begin with the number of a process")
    return int(words[0])
