"""Small files of /proc and /sys, read with care: what is not there, what cannot be read, and what makes no sense."""

import errno
from io import FileIO
from pathlib import Path
from typing import NamedTuple

_MOST, _PIECE = 4 * 2**20, 2**16
_NOT_THERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EOPNOTSUPP, errno.ENODEV))


class Roots(NamedTuple):
    """Where the kernel's file systems are; tests lay out their own."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")


class Absent(Exception):
    """The kernel does not have it."""


class Unreadable(Exception):
    """It should be there, and cannot be read or understood; says why."""


def text(path: Path) -> str:
    """The content of a file. Raises Absent, Unreadable."""
    try:
        with path.open("rb", buffering=0) as file:
            return _whole(file).decode("utf-8", "replace")
    except OSError as problem:
        if problem.errno in _NOT_THERE:
            raise Absent(f"there is no {path}") from None
        raise Unreadable(f"{path} cannot be read: {problem.strerror}") from None


def _whole(file: FileIO) -> bytes:
    """In pieces: the kernel allots the room that a reader of /proc/sys asks for, and refuses much."""
    found = bytearray()
    while len(found) < _MOST and (piece := file.read(_PIECE)):
        found += piece
    return bytes(found)


def number(path: Path, *, unlimited: str = "") -> int | None:
    """The whole number that a file holds, not negative; `None` for the word that stands for no limit. Raises Absent, Unreadable."""
    said = text(path).strip()
    if unlimited and said == unlimited:
        return None
    return whole(said, path)


def whole(said: str, path: Path) -> int:
    """The number in a text of the kernel. Raises Unreadable."""
    if not (said.isascii() and said.isdigit() and len(said) < 20):  # noqa: PLR2004  2**64 has twenty digits
        raise Unreadable(f"{path} holds no number")
    return int(said)


def fields(path: Path) -> dict[str, str]:
    """A file of lines `name value`, as cpu.stat and memory.stat are. Raises Absent, Unreadable."""
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in text(path).splitlines())}
