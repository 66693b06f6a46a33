"""The record of what was carried over, beside the target: what the two folders had in common when they changed places."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from runner.durable import sync_folder
from runner.targets.folder.foreign import Mark, Remembered, flat, remember

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_BESIDE: Final = "ing"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_HEAD: Final = b"seatrial-carried-2"
_LONGEST: Final = 512
"""Bytes that hold the first entry."""


class Heading(NamedTuple):
    """Which step a record is about."""

    source: int
    """The inode of the folder that was carried from: once it is the one beside, it holds what was not carried yet, if anything."""
    into: int
    """The inode of the folder that was carried to."""
    leaving: str
    """The tree of the one, and `coming` that of the other."""
    coming: str

    def at(self, live: int, beside: int) -> str | None:
        """The tree of the live folder, by both inodes; `None` where these are not the two folders of this step."""
        return {(self.source, self.into): self.leaving, (self.into, self.source): self.coming}.get((live, beside))


class Carried(NamedTuple):
    """What a record says."""

    heading: Heading
    marks: Remembered


class Record:
    """A file of NUL-terminated entries, later ones count; the first says of which step and which start of the machine it speaks.

    After a new start nobody works in the old folder any more, and what was added last may be lost: then there is no record.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, heading: Heading, marks: Remembered) -> None:
        """Durable when this returns. Raises OSError."""
        lines = [b" ".join((_HEAD, _boot(), *(str(each).encode() for each in heading)))]
        lines += [_line(path, mark) for path, mark in flat(marks)]
        beside = self._path.with_name(f"{self._path.name}{_BESIDE}")  # a name that is known as ours, should it stay
        with os.fdopen(os.open(beside, _NEW, 0o600), "wb") as file:
            file.write(b"\0".join([*lines, b""]))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        sync_folder(self._path.parent)

    def add(self, path: bytes, mark: Mark | None) -> None:
        """Note what stands at a path now; survives this process, though not the machine. Raises OSError."""
        with suppress(FileNotFoundError):  # somebody has taken over
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.write(file, _line(path, mark) + b"\0")
            finally:
                os.close(file)

    def forget(self) -> None:
        """There is no record any more, durably. Raises OSError."""
        self._path.unlink(missing_ok=True)
        sync_folder(self._path.parent)

    def heading(self) -> Heading | None:
        """What it is about, when it can be believed. Raises OSError."""
        try:
            with self._path.open("rb") as file:
                return _heading(file.read(_LONGEST).partition(b"\0")[0])
        except FileNotFoundError:
            return None

    def read(self) -> Carried | None:
        """What it says, when it can be believed. Raises OSError."""
        try:
            head, *lines = self._path.read_bytes().split(b"\0")[:-1]
        except (FileNotFoundError, ValueError):
            return None
        heading = _heading(head)
        if heading is None:
            return None
        marks: Remembered = {}
        for line in lines:
            sign, _, path = line.partition(b" ")
            mark = None if sign == b"-" else Mark(chr(sign[0]), sign[1:].decode("ascii"))
            remember(marks, path, mark)
        return Carried(heading, marks)


def _heading(line: bytes) -> Heading | None:
    head, boot, *words = line.split(b" ") if line.count(b" ") == 1 + len(Heading._fields) else (b"", b"")
    if head != _HEAD or boot != _boot():
        return None
    source, into, leaving, coming = (word.decode("ascii") for word in words)
    return Heading(int(source), int(into), leaving, coming)


def _line(path: bytes, mark: Mark | None) -> bytes:
    return (b"-" if mark is None else f"{mark.kind}{mark.id}".encode()) + b" " + path


def _boot() -> bytes:
    try:
        return _BOOT.read_bytes().strip()
    except OSError:
        return b"?"
