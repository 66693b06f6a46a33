"""JSON edits as rows to show, as they were sent: what files are to hold, and nothing of what they held."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from runner.api.dashboard.patch import MOST_FILES, MOST_LINES, File, Line, Patch, placed, text_of
from runner.changes.caps import Caps
from runner.changes.edits import Edit, read_edits
from runner.errors import ChangeRefused
from runner.model.text import shown
from runner.reports.remarks import Remark

_CAPS: Final = Caps(max_files=10_000)
_UNREAD: Final = "the edits"
"""Stands for the path of a text that holds none."""


def read(content: bytes, remarks: Iterable[Remark] = ()) -> Patch:
    """Edits as files with their new lines, and with the findings that have a path; what cannot be read as edits is shown as it is."""
    try:
        edits = read_edits(content, _CAPS)
    except ChangeRefused as refused:
        return placed([_with(File(_UNREAD, [str(refused)]), content, "note", MOST_LINES)], 0, remarks)
    files: list[File] = []
    for edit in edits[:MOST_FILES]:
        files.append(_file(edit, MOST_LINES - sum(len(file.lines) for file in files)))
    return placed(files, len(edits) - len(files), remarks)


def _file(edit: Edit, room: int) -> File:
    if edit.content is None:
        return File(shown(edit.path), ["deleted"])
    file = _with(File(shown(edit.path), [f"mode {edit.mode}"] if edit.mode else []), edit.content, "added", room)
    file.added = len(file.lines) + file.more
    return file


def _with(file: File, content: bytes, kind: str, room: int) -> File:
    """The file with so many lines of a text at most."""
    every = content.removesuffix(b"\n").split(b"\n") if content else []
    file.lines = [Line(kind, None, number, text_of(line)) for number, line in enumerate(islice(every, room), 1)]
    file.more = len(every) - len(file.lines)
    return file
