"""Takes in what a sandbox says while it runs, bounded: records of the report stream, and both ends of what it printed."""

import binascii
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from runner.model.suite import Errand

LONGEST_RECORD = 2**20
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


class Report:
    """Splits the report stream into records; what is no JSON object on a line of at most 1 MiB is dropped and counted."""

    def __init__(self, take: Callable[[Mapping[str, Any]], None]) -> None:
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
        record = None if skipped else _record(line)
        if record is None:
            self.dropped += 1
        else:
            self._take(record)


def _record(line: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line.decode("utf-8", "replace"))
        if b"\\ud" in line or b"\\uD" in line:  # a lone surrogate would break whoever encodes the text later
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("k"), str) else None


class Conversation:
    """Tells the launcher's records from the suite's.

    The suite shares the stream, so it can write anything: `launch` counts only as the very first record, `file`, `errands` and `exit`
    only as the very last ones, and `errands` only when there is no other. After `over`, with which the launcher says that the suite
    is dead, no record is the suite's any more: errands cannot add to what it said. What remains forgeable is what the level `in-process` says.
    """

    def __init__(self, suite: Callable[[Mapping[str, Any]], None]) -> None:
        self.launch: Mapping[str, Any] | None = None
        self._suite = suite
        self._began = False
        self._files: list[Mapping[str, Any]] = []
        self._exit: Mapping[str, Any] | None = None
        self._errands: list[Mapping[str, Any]] = []
        self.over = False
        """Whether the launcher said that the suite is dead, and what follows are errands."""
        self.strange = 0
        """Records that neither the launcher nor a suite can have written where they are."""

    def take(self, record: Mapping[str, Any]) -> None:
        """Sort one record."""
        kind, first = record["k"], not self._began
        self._began = True
        if kind == "launch":
            self.launch = record if first else self.launch
        elif kind == "exit":
            self._exit = record
        elif kind == "errands":
            self.strange += bool(self._errands)
            self._errands, self._exit = [*self._errands[:1], record], None
        elif self.over:
            self.strange += 1
        elif kind == "over":
            self.over, self._exit = True, None
        elif kind == "file":
            self._files = [record] if self._exit else [*self._files, record]
            self._exit = None
        else:
            self._files, self._exit = [], None
            self._suite(record)

    @property
    def end(self) -> Mapping[str, Any] | None:
        """The launcher's last word, if it was the last word at all."""
        return self._exit

    @property
    def file_too_large(self) -> bool:
        """Whether the launcher said that the report file exceeds its bound."""
        return self._exit is not None and any(record.get("too_large") is True for record in self._files)

    @property
    def file(self) -> bytes | None:
        """The report file, when it was carried out whole."""
        if self._exit is None or not self._files or self.file_too_large:
            return None
        try:
            return b"".join(binascii.a2b_base64(str(record.get("data", ""))) for record in self._files)
        except ValueError:
            return None

    @property
    def errands(self) -> tuple[Errand, ...] | None:
        """How the errands went; `None` when nobody told, or more than one did."""
        if self._exit is None or len(self._errands) != 1:
            return None
        try:
            return tuple(_errand(done) for done in self._errands[0]["done"])
        except (LookupError, TypeError, ValueError):
            return None


def _errand(done: Mapping[str, Any]) -> Errand:
    told = binascii.a2b_base64(str(done["told"])).decode("ascii", "replace")
    return Errand(status=done["status"], seconds=done["seconds"], told=told)
