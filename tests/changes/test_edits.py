"""JSON edits: exact, or refused with the number of the item that is wrong; hostile texts cost no more than their size."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.changes.caps import Caps
from runner.changes.edits import read_edits
from runner.changes.kinds import Kind
from runner.changes.read import kind_given, read_change
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change

GitIn = Callable[..., str]


def change_of(objects: PrivateObjects, *edits: Any) -> Change:
    return read_change("-", objects=objects, stdin=json.dumps(edits).encode())


def test_content_bytes_deletions_and_modes_are_exact(objects: PrivateObjects) -> None:
    change = change_of(
        objects,
        {"path": "a.txt", "content": "ünï\r\nno newline"},
        {"path": "run.sh", "content": "#!/bin/sh\n"},
        {"path": "src/m.py", "delete": True},
        {"path": "bin/tool", "content": "#!/bin/sh\n", "mode": "100755"},
        {"path": "data", "content_base64": base64.b64encode(b"\0\xff").decode()},
        {"path": "link", "content": "a regular file now"},
        {"path": "to", "content": "a.txt", "mode": "120000"},
        {"path": "empty", "content": ""},
    )
    assert {file.path: (file.status.value, file.new_mode) for file in change.files} == {
        "a.txt": ("M", "100644"),
        "bin/tool": ("A", "100755"),
        "data": ("A", "100644"),
        "empty": ("A", "100644"),
        "link": ("T", "100644"),
        "run.sh": ("M", "100755"),
        "src/m.py": ("D", "000000"),
        "to": ("A", "120000"),
    }
    assert objects.read(change.tree, "a.txt") == "ünï\r\nno newline".encode()
    assert objects.read(change.tree, "data") == b"\0\xff"
    assert (change.kind, change.source, change.head_label) == ("edits", "-", "8 edits from standard input")


def test_edits_come_from_a_file_too_and_are_told_from_a_diff_by_how_they_begin(objects: PrivateObjects, tmp_path: Path) -> None:
    file = tmp_path / "edits"
    file.write_bytes(b'\xef\xbb\xbf \n[ {"path": "a.txt", "content": "x"}]')
    change = read_change(str(file), objects=objects)
    assert (change.kind, change.head_label) == ("edits", f"{file} (1 edit)")
    assert kind_given(str(file), stdin=None, kind=None) is Kind.EDITS
    (tmp_path / "x.json").write_text('{"path": "a.txt"}')
    with pytest.raises(ChangeRefused, match="not a list"):
        read_change(str(tmp_path / "x.json"), objects=objects)
    with pytest.raises(ChangeRefused, match="does not apply"):
        read_change(str(file), objects=objects, kind=Kind.DIFF)
    with pytest.raises(ChangeRefused, match="the edits are no JSON"):
        read_change("-", objects=objects, stdin=b"diff --git a/x b/x\n", kind=Kind.EDITS)
    assert kind_given("/dev/zero", stdin=None, kind=None) is Kind.DIFF
    with pytest.raises(UsageError, match="there is no file"):
        read_change("nowhere.json", objects=objects)


def test_a_file_becomes_a_directory_and_a_directory_a_file_when_what_was_there_is_deleted(objects: PrivateObjects) -> None:
    change = change_of(
        objects,
        {"path": "a.txt/below", "content": "x"},
        {"path": "a.txt", "delete": True},
        {"path": "src", "content": "x"},
        {"path": "src/m.py", "delete": True},
    )
    assert {file.path: file.status.value for file in change.files} == {"a.txt": "D", "a.txt/below": "A", "src": "A", "src/m.py": "D"}


FINE = {"path": "new", "content": "x"}


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("text", "is no object"),
        (None, "is no object"),
        (7, "is no object"),
        ([], "a list or an object where a text belongs"),
        ({}, "has no path"),
        ({"path": 7, "content": "x"}, "has no path"),
        ({"path": "", "content": "x"}, "no name of a file"),
        ({"path": "x/", "content": "x"}, "no name of a file"),
        ({"path": "a//b", "content": "x"}, "no name of a file"),
        ({"path": "a\0b", "content": "x"}, "no name of a file"),
        ({"path": "/etc/passwd", "content": "x"}, "is absolute"),
        ({"path": "../x", "content": "x"}, r"'\.\.'"),
        ({"path": "a/./x", "content": "x"}, r"'\.' or '\.\.'"),
        ({"path": ".git/hooks/x", "content": "x"}, r"inside a \.git"),
        ({"path": "a/.GiT", "content": "x"}, r"inside a \.git"),
        ({"path": "d/" * 200 + "f", "content": "x"}, "too deep"),
        ({"path": "x\ud800", "content": "x"}, "surrogate pair in its path"),
        ({"path": "x", "content": "\ud800"}, "surrogate pair in its content"),
        ({"path": "x", "content": 7}, "must have a text as content"),
        ({"path": "x", "content_base64": "é"}, "no base64"),
        ({"path": "x", "content_base64": "abc"}, "no base64"),
        ({"path": "x", "content_base64": "a b="}, "no base64"),
        ({"path": "x"}, "exactly one of"),
        ({"path": "x", "content": "x", "delete": True}, "exactly one of"),
        ({"path": "a.txt", "delete": False}, "only have true"),
        ({"path": "a.txt", "delete": 1}, "only have true"),
        ({"path": "a.txt", "delete": True, "mode": "100644"}, "only beside content"),
        ({"path": "x", "content": "x", "mode": "104755"}, "may have as mode"),
        ({"path": "x", "content": "x", "mode": 33188}, "may have as mode"),
        ({"path": "x", "contents": "x\x1b"}, "the key 'contents'"),
        ({"path": "nowhere", "delete": True}, "not there in main"),
        ({"path": "src", "delete": True}, "a directory; name its files"),
        (FINE, "the path of edit 1"),
        ({"path": "x", "content": {"y": "z"}}, "a list or an object where a text belongs"),
    ],
)
def test_the_item_that_is_wrong_is_named_by_its_number(objects: PrivateObjects, item: Any, says: str) -> None:
    with pytest.raises(ChangeRefused, match=f"edit [12] .*{says}") as refused:
        change_of(objects, FINE, item)
    assert str(refused.value).isprintable()
    assert refused.value.hint


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (({"path": "n/x", "content": ""}, {"path": "n", "content": ""}), "both a file and the directory"),
        (({"path": "src", "content": ""},), "is a directory in main"),
        (({"path": "a.txt/x", "content": ""},), "what leads to it is a file"),
        (({"path": "link/x", "content": ""},), "what leads to it is a file, a link"),
        (({"path": "a.txt", "content": "one\ntwo\nthree\n"},), "nothing differs"),
    ],
)
def test_paths_that_cannot_both_be_are_refused(objects: PrivateObjects, items: tuple[Any, ...], says: str) -> None:
    with pytest.raises(ChangeRefused, match=says):
        change_of(objects, *items)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"[" * 1_000_000, "a list or an object"),
        (b'[{"path":' * 100_000, "a list or an object"),
        (b'[{"path": "x", "content": "x"}' + b',{"path": 1}' * 2000 + b"]", "more than 1000 edits"),
        (b"[{" + b'"path":"x",' * 80_000 + b"}]", "too many keys"),
        (b'[{"path": "x", "path": "y", "content": "z"}]', "a key twice"),
        (b'[{"path": "x", "content": ' + b"9" * 900_000 + b"}]", "must have a text"),
        (b'[{"path": "x", "content": 1e999999999}]', "must have a text"),
        (b'[{"path": "x", "content": NaN}]', "must have a text"),
        (b'[{"path": "x", "content": "' + b"\\\\" * 400_000 + b"}]", "no JSON"),
        (b'[{"path": "x", "content": "x', r"no JSON: .* \(line 1, column"),
        (b'[{"path": "x", "content": "x"}] trailing', "no JSON: Extra data"),
        (b'[{"path": "\xff", "content": "x"}]', "not UTF-8"),
        (b'[{"path": "x", "content": "a\nb"}]', "no JSON: Invalid control"),
        (b"[]", "no edits"),
        (b"[1" + b",1" * 900 + b"]", "edit 1 is no object"),
        (b"[1" + b",1" * 400_000 + b"]", "more than 1000 edits"),
        (b"[" + b" " * 2**20 + b"]", "at most 1MiB"),
    ],
)
def test_hostile_texts_are_refused_in_bounded_time(text: bytes, says: str) -> None:
    with pytest.raises(ChangeRefused, match=says):
        read_edits(text, Caps())
