"""Takes in what a sandbox says while it runs, bounded: records of the report stream, and both ends of what it printed."""

import binascii
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from runner.model.sandbox import Part
from runner.model.suite import Errand

LONGEST_RECORD = 2**20
_LONGEST_MARK = 8
_HEAD, _TAIL = 64 * 2**10, 256 * 2**10


class Log:
    """Head and tail of what was printed; the middle is counted and forgotten."""

    def __init__(self) -> None:
        self.size = 0
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._kept = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        room = _HEAD - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._tail.append(chunk)
            self._kept += len(chunk)
        while self._kept - len(self._tail[0]) >= _TAIL if self._tail else False:
            self._kept -= len(self._tail.popleft())

    @property
    def truncated(self) -> bool:
        """Whether bytes between head and tail are missing."""
        return self.size > _HEAD + _TAIL

    @property
    def text(self) -> str:
        """What is kept; hostile text, decoded as UTF-8 with replacement."""
        tail = b"".join(self._tail)[-_TAIL:]
        missing = self.size - len(self._head) - len(tail)
        gap = f"\n[... {missing} bytes left out ...]\n".encode() if missing else b""
        return (bytes(self._head) + gap + tail).decode("utf-8", "replace")


class Line(NamedTuple):
    """One record of the report stream, and the number of the child that wrote it; `None`: the launcher itself."""

    child: int | None
    record: Mapping[str, Any]


class Report:
    """Splits the report stream into lines; what is no JSON object on a line of at most 1 MiB is dropped and counted."""

    def __init__(self, take: Callable[[Line], None]) -> None:
        self.size = 0
        self.dropped = 0
        self._take = take
        self._line = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            self._add(piece)
            self._end_line()
        self._add(rest)

    def _add(self, piece: bytes) -> None:
        if self._skipping:
            return
        self._line += piece
        if len(self._line) > LONGEST_RECORD:
            self._line.clear()
            self._skipping = True

    def _end_line(self) -> None:
        line, skipped = bytes(self._line), self._skipping
        self._line.clear()
        self._skipping = False
        if not line and not skipped:
            return
        found = None if skipped else _read(line)
        if found is None:
            self.dropped += 1
        else:
            self._take(found)


def _read(line: bytes) -> Line | None:
    mark, sign, rest = line.partition(b" ")
    child = int(mark) if sign and mark.isdigit() and len(mark) < _LONGEST_MARK else None
    record = _record(line if child is None else rest)
    return Line(child, record) if record is not None else None


def _record(line: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line.decode("utf-8", "replace"))
        if b"\\ud" in line or b"\\uD" in line:  # a lone surrogate would break whoever encodes the text later
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("k"), str) else None


class Conversation:
    """What the launcher says and what its children say. Only the launcher writes the stream, and it marks what a child said."""

    def __init__(self, suite: Callable[[int, Mapping[str, Any]], None]) -> None:
        self.launch: Mapping[str, Any] | None = None
        self.end: Mapping[str, Any] | None = None
        """The launcher's last word."""
        self.over = False
        """Whether the suite is dead, and what follows are errands."""
        self.refused = ""
        """Why the launcher let a child not go on."""
        self.parts: list[Part] = []
        self._suite = suite
        self._files: list[Mapping[str, Any]] = []
        self._errands: list[Errand] = []

    def take(self, line: Line) -> None:
        """Sort one record."""
        record = line.record
        if line.child is not None:
            self._suite(line.child, record)
            return
        match record["k"]:
            case "launch":
                self.launch = record
            case "refused":
                self.refused = str(record.get("why"))
            case "part end":
                told = {name: record.get(name) for name in ("status", "survivors", "left", "seconds")}
                self.parts.append(Part.model_validate(told))
            case "file":
                self._files.append(record)
            case "over":
                self.over = True
            case "errand":
                self._errands.append(_errand(record))
            case "exit":
                self.end = record

    @property
    def file_too_large(self) -> bool:
        """Whether the launcher said that the report file exceeds its bound."""
        return self.end is not None and any(record.get("too_large") is True for record in self._files)

    @property
    def file(self) -> bytes | None:
        """The report file, when it was carried out whole."""
        if self.end is None or not self._files or self.file_too_large:
            return None
        return b"".join(binascii.a2b_base64(str(record.get("data", ""))) for record in self._files)

    @property
    def errands(self) -> tuple[Errand, ...] | None:
        """How the errands went; `None` when the launcher did not live to tell."""
        return tuple(self._errands) if self.end is not None and self.over else None


def _errand(done: Mapping[str, Any]) -> Errand:
    told = binascii.a2b_base64(str(done["told"])).decode("ascii", "replace")
    return Errand(status=done["status"], seconds=done["seconds"], told=told, cut=done.get("cut") is True)
