"""Everything that the exact rules find in a change; reads trees, and parses test files in the child process."""

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from runner.gates.anomaly import files, patterns, selection, words
from runner.gates.anomaly.term import Term
from runner.gates.anomaly.weakening import Read, weakening
from runner.model.change import Change, FileChange, Status
from runner.model.lines import MOST_BYTES, new_lines, within
from runner.model.names_of_tests import DOCUMENTS
from runner.parsing import Parse, Source, parse
from runner.ports import Trees

_INSIDE = Path(__file__).with_name("inside")
_MOST_LISTED = 200_000
_SECONDS = 60.0
"""For all test files of a change together: what is not compared by then holds."""
_DOCUMENTS = frozenset({*DOCUMENTS, ".txt"})


def terms(change: Change, trees: Trees) -> list[Term]:
    """What the exact rules find; no child process is started unless files of tests or settings of pytest changed."""
    small, left = within(change.files)
    contents = trees.blobs({blob for file in small for blob in file.blobs})
    unread = [file for file in change.files if max(file.old_size, file.new_size) > MOST_BYTES] + left
    found = [
        Term("unread", file.path, "this file of tests is too large to be compared")
        for file in unread
        if files.is_python_test(file.path) and file.status is not Status.ADDED
    ]
    found += _startup(change, trees)
    found += _of_lines(small, contents)
    counted = {file.path: _sides(file, contents) for file in small if files.is_counted(file.path) and not file.binary}
    found += words.weaker(counted)
    python = [file for file in small if files.is_python_test(file.path) and (file.old_mode[:3] == "100" or file.new_mode[:3] == "100")]
    folders = sorted({str(PurePosixPath(file.path).parent) for file in change.files if files.is_settings(file.path)})
    if python or folders:
        found += _parsed(python, folders, contents, change, trees)
    return found


def _sides(file: FileChange, contents: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    old = contents.get(file.old_blob, b"") if file.status is not Status.ADDED else b""
    new = contents.get(file.new_blob, b"") if file.status is not Status.DELETED else b""
    return old, new


def _startup(change: Change, trees: Trees) -> Iterator[Term]:
    @cache
    def names(folder: str) -> frozenset[str]:
        return frozenset(os.fsdecode(entry.path) for entry in trees.listing(change.tree, folder))

    for file in change.files:
        if why := files.starts(file, names):
            yield Term("startup", file.path, why)


def _of_lines(small: list[FileChange], contents: Mapping[str, bytes]) -> Iterator[Term]:
    """Patterns in added lines; what stands in a document is talked about, not done."""
    for file in small:
        old, new = _sides(file, contents)
        if not new or file.binary or b"\0" in new[:8000]:
            continue
        yield from patterns.hits(file.path, new_lines(old, new), documents=PurePosixPath(file.path).suffix.lower() in _DOCUMENTS)


def _parsed(python: list[FileChange], folders: list[str], contents: Mapping[str, bytes], change: Change, trees: Trees) -> Iterator[Term]:
    """What one child process tells of both sides of test files and settings."""
    asked = [_asked(file, *_sides(file, contents)) for file in python]
    settings = [
        (folder, side, _settings(folder, tree, trees)) for folder in folders for side, tree in enumerate((change.base_tree, change.tree))
    ]
    sources = [*asked, *(source for *_, given in settings for source in selection.sources(given))]
    answers = iter(parse(sources, _INSIDE, seconds=_SECONDS))
    read = list(zip(python, islice(answers, len(python)), strict=True))
    paths = frozenset(file.path for file in python if file.status is not Status.ADDED)
    yield from (
        Term("unread", file.path, f"its tests could not be compared: {parsed.message}") for file, parsed in read if parsed.state != "fine"
    )
    yield from weakening([_read(file, parsed, paths) for file, parsed in read if parsed.state == "fine"])
    before: dict[str, selection.Settings] = {}
    for folder, side, given in settings:
        names = [name for name in selection.NAMES if name in given]
        taken = selection.settings(names, islice(answers, len(names)))
        if not side:
            before[folder] = taken
        elif taken != before[folder]:
            yield from selection.changed(folder, before[folder], taken, _tests(change, trees))


def _asked(file: FileChange, old: bytes, new: bytes) -> Source:
    configures = PurePosixPath(file.path).name == "conftest.py"
    return Source("testfile:compare", b"%d %d\n" % (configures, len(old)) + old + new)


def _read(file: FileChange, parsed: Parse, others: frozenset[str]) -> Read:
    told: list[Mapping[str, Any]] = json.loads(parsed.data)
    old = told[0] if file.status is not Status.ADDED else {}
    new = told[1] if file.status is not Status.DELETED else {}
    return Read(file.path, old, new, files.collects(file.path, others))


def _settings(folder: str, tree: str, trees: Trees) -> dict[str, bytes]:
    found = {name: trees.read(tree, str(PurePosixPath(folder) / name)) for name in selection.NAMES}
    return {name: content for name, content in found.items() if content is not None and len(content) <= selection.MOST_BYTES}


def _tests(change: Change, trees: Trees) -> list[str]:
    """The test files of the base, for settings that choose among them."""
    listed = islice(trees.entries(change.base_tree), _MOST_LISTED)
    return [
        path
        for entry in listed
        if files.is_python_test(path := os.fsdecode(entry.path)) and not path.endswith(("conftest.py", "__init__.py"))
    ]
