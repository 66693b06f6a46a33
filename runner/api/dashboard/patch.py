"""A patch as rows to show, with findings at the lines that they speak of. What a patch says of itself is believed only as far as it is shown."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from runner.model.text import cut, printable, shown
from runner.reports.remarks import Remark

MOST_FILES: Final = 200
MOST_LINES: Final = 4000
"""Lines of all files together."""
_LONGEST: Final = 500
_HUNK: Final = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)")
_ESCAPE: Final = re.compile(rb'\\([abtnvfr"\\]|[0-7]{3})')
_NAMED: Final = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r", b'"': b'"', b"\\": b"\\"}
_KINDS: Final = {b" ": "context", b"+": "added", b"-": "deleted", b"\\": "note"}
_SAID: Final = (b"new file mode ", b"deleted file mode ", b"old mode ", b"new mode ", b"Binary files ")
_GIT: Final = b"diff --git "


class Line(NamedTuple):
    """One row: its numbers on both sides, and what is said of it. `kind` is context, added, deleted, hunk or note."""

    kind: str
    old: int | None
    new: int | None
    text: str
    remarks: tuple[Remark, ...] = ()


@dataclass
class File:
    """One file; `more` lines are left out, `remarks` are those without a line that is shown."""

    path: str
    said: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    added: int = 0
    deleted: int = 0
    more: int = 0
    remarks: tuple[Remark, ...] = ()


class Patch(NamedTuple):
    """All of it; `more` files are left out, `elsewhere` are findings in files that it does not touch, or that are left out."""

    files: tuple[File, ...]
    more: int
    elsewhere: tuple[Remark, ...]


def read(content: bytes, remarks: Iterable[Remark] = ()) -> Patch:
    """A unified diff as rows, with the findings that have a path."""
    files = list(_Reader().files(content))
    kept = files[:MOST_FILES]
    room = MOST_LINES
    for file in kept:
        file.more = max(0, len(file.lines) - room)
        file.lines = file.lines[:room]
        room -= len(file.lines)
    return placed(kept, len(files) - len(kept), remarks)


def placed(files: Sequence[File], more: int, remarks: Iterable[Remark]) -> Patch:
    """These files, and `more` that are left out, with the findings that have a path."""
    known = [remark for remark in remarks if remark.path]
    for file in files:
        _place(file, [remark for remark in known if remark.path == file.path])
    paths = {file.path for file in files}
    return Patch(tuple(files), more, tuple(remark for remark in known if remark.path not in paths))


def _place(file: File, remarks: list[Remark]) -> None:
    by_line: dict[int, list[Remark]] = {}
    for remark in remarks:
        by_line.setdefault(remark.line or 0, []).append(remark)
    file.lines = [line._replace(remarks=tuple(by_line.pop(line.new, ()))) if line.new else line for line in file.lines]
    file.remarks = tuple(remark for left in by_line.values() for remark in left)


class _Reader:
    """Reads line by line; within a hunk by its counts alone, so that no content is taken for a header."""

    def __init__(self) -> None:
        self._file: File | None = None
        self._old = self._new = self._old_left = self._new_left = 0
        self._named = False

    def files(self, content: bytes) -> Iterator[File]:
        """The files in order."""
        for line in content.split(b"\n"):
            if self._file is not None and (self._old_left > 0 or self._new_left > 0 or line.startswith(b"\\")):
                self._body(self._file, line)
            elif line.startswith(_GIT) or (line.startswith(b"--- ") and (self._file is None or self._named)):
                if self._file is not None:
                    yield self._file
                self._file, self._named = File(_of_header(line)), False
            elif self._file is not None:
                self._head(self._file, line)
        if self._file is not None:
            yield self._file

    def _head(self, file: File, line: bytes) -> None:
        if line.startswith((b"--- ", b"+++ ")):
            self._named = self._named or line.startswith(b"+++ ")
            file.path = _name(line[4:]) or file.path
        elif line.startswith(_SAID):
            file.said.append(cut(printable(shown(line)), _LONGEST))
        elif line == b"GIT binary patch":
            file.said.append("binary: its content is not shown")
        elif found := _HUNK.match(line):
            self._old, self._new = int(found[1]), int(found[3])
            self._old_left, self._new_left = int(found[2] or 1), int(found[4] or 1)
            file.lines.append(Line("hunk", None, None, text_of(line)))

    def _body(self, file: File, line: bytes) -> None:
        kind = _KINDS.get(line[:1] or b" ")
        if kind is None or (kind == "note" and not file.lines):  # it is no patch from here on
            self._old_left = self._new_left = 0
            return
        old, new = kind in ("context", "deleted"), kind in ("context", "added")
        file.lines.append(Line(kind, self._old if old else None, self._new if new else None, text_of(line[1:])))
        self._old, self._old_left = self._old + old, self._old_left - old
        self._new, self._new_left = self._new + new, self._new_left - new
        file.added += kind == "added"
        file.deleted += kind == "deleted"


def text_of(line: bytes) -> str:
    """A line for people, of bounded length."""
    return cut(printable(shown(line), lines=True), _LONGEST)


def _of_header(line: bytes) -> str:
    """The path of `diff --git a/PATH b/PATH`: both are the same, since nothing is renamed."""
    if not line.startswith(_GIT):
        return _name(line[4:])
    rest = line.removeprefix(_GIT)
    return _name(rest[: (len(rest) - 1) // 2])


def _name(given: bytes) -> str:
    """A path as git writes it: with a prefix, in quotes where it must be; empty for the absent side."""
    name = given.rstrip(b"\r").removesuffix(b"\t")
    if name.startswith(b'"') and name.endswith(b'"'):
        name = _ESCAPE.sub(lambda found: _NAMED.get(found[1]) or bytes([int(found[1], 8) & 0xFF]), name[1:-1])
    if name == b"/dev/null":
        return ""
    return shown(name[2:] if name[:2] in (b"a/", b"b/") else name)
