"""A change from JSON edits, what agents emit: `[{"path": …, "content": …}, {"path": …, "delete": true}]`."""

import base64
import binascii
import json
import re
from typing import Any, NamedTuple

from runner.changes.caps import HARDEST, Caps
from runner.changes.folder import EXECUTABLE, FILE, LINK
from runner.changes.lay import fault_of, lay, said
from runner.changes.sides import Base, base_of, change_of
from runner.errors import ChangeRefused
from runner.git.objects import PrivateObjects
from runner.git.trees import DIRECTORY, Entry
from runner.model.change import Change
from runner.model.text import printable
from runner.model.units import show_size

SHAPE = 'Give [{"path": "src/a.py", "content": "…"}, {"path": "old.py", "delete": true}]; for bytes, "content_base64" instead of "content".'
_KEYS = ("path", "content", "content_base64", "delete", "mode")
_MODES = (FILE, EXECUTABLE, LINK)
_FLAT = 2
"""Brackets that are ever open at once: those of the list and of one item."""
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:,"]', re.DOTALL)


class Edit(NamedTuple):
    """One item: the file at `path` gets `content` and, when it is given, `mode`; `None` deletes it."""

    path: bytes
    content: bytes | None
    mode: str | None


def from_edits(content: bytes, *, source: str, objects: PrivateObjects, base: str | None, caps: Caps, called: str = "") -> Change:
    """The change that edits make of the base; raises ChangeRefused with the number of the item that is wrong, counted from 1.

    A file that is there keeps its mode unless the edit gives one; a new one is not executable.
    """
    edits = read_edits(content, caps)
    start = base_of(objects, base)
    tree = _tree(objects, start, edits)
    count = f"{len(edits)} edit{'' if len(edits) == 1 else 's'}"
    head = f"{count} from standard input" if source == "-" and not called else f"{called or source} ({count})"
    return change_of(objects, start, tree, kind="edits", source=source, head=head, caps=caps)


def read_edits(content: bytes, caps: Caps) -> tuple[Edit, ...]:
    """The edits that a text holds, each path once; raises ChangeRefused. Nothing is parsed before its size and nesting are known."""
    most = min(caps.max_patch, HARDEST)
    if len(content) > most:
        known = show_size(len(content)) if len(content) <= HARDEST else f"more than {show_size(HARDEST)}"
        raise ChangeRefused(
            f"the edits are {known}; at most {show_size(most)} are taken",
            hint="Split them, or raise `validate.intake.max_patch` in the policy.",
        )
    _check_form(content, caps.max_files)
    edits = tuple(_edit(number, item) for number, item in enumerate(_items(content), 1))
    first: dict[bytes, int] = {}
    for number, edit in enumerate(edits, 1):
        if edit.path in first:
            raise _refused(number, f"has the path of edit {first[edit.path]}, '{said(edit.path)}'")
        first[edit.path] = number
    return edits


def _check_form(content: bytes, most: int) -> None:
    """No more than a list of flat objects, and not too many: so what a parser makes of it is no larger than its text."""
    depth = keys = 0
    number = 1
    for found in _TOKEN.finditer(content):
        token = found[0]
        if token in b"[{":
            depth += 1
            keys = 0
            if depth > _FLAT or (depth == _FLAT and token == b"["):
                raise _refused(number, "has a list or an object where a text belongs")
        elif token in b"]}":
            depth -= 1
        elif token == b"," and depth == 1:
            number += 1
            if number > most:
                raise ChangeRefused(
                    f"there are more than {most} edits", hint="Split them, or raise `validate.intake.max_files` in the policy."
                )
        elif token == b":":
            keys += 1
            if keys > len(_KEYS):
                raise _refused(number, "has too many keys")
        elif token == b'"':
            break  # a text that never ends: the parser says where


def _items(content: bytes) -> list[Any]:
    try:
        items = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=tuple, parse_int=_number, parse_float=_number, parse_constant=_number
        )
    except UnicodeDecodeError as problem:
        raise ChangeRefused("the edits are not UTF-8", hint=SHAPE) from problem
    except json.JSONDecodeError as problem:
        raise ChangeRefused(
            f"the edits are no JSON: {problem.msg} (line {problem.lineno}, column {problem.colno})", hint=SHAPE
        ) from problem
    except RecursionError as problem:
        raise ChangeRefused("the edits are nested too deep", hint=SHAPE) from problem
    if not isinstance(items, list):
        raise ChangeRefused("the edits are not a list", hint=SHAPE)
    if not items:
        raise ChangeRefused("there are no edits in the list", hint=SHAPE)
    return items


_NUMBER = object()
"""Stands for any number, which no edit has."""


def _number(_: str) -> object:
    return _NUMBER


def _edit(number: int, item: Any) -> Edit:
    if not isinstance(item, tuple):
        raise _refused(number, "is no object")
    told: dict[str, Any] = dict(item)
    for key, _ in item:
        if key not in _KEYS:
            raise _refused(number, f"has the key '{printable(key[:60])}', which is not known")
    if len(told) != len(item):
        raise _refused(number, "gives a key twice")
    path = _path(number, told)
    kinds = [key for key in ("content", "content_base64", "delete") if key in told]
    if len(kinds) != 1:
        raise _refused(number, f"('{said(path)}') must have exactly one of content, content_base64 and delete")
    mode = told.get("mode")
    if "mode" in told and (mode not in _MODES or kinds == ["delete"]):
        raise _refused(number, f"('{said(path)}') may have as mode one of {', '.join(_MODES)}, and only beside content")
    return Edit(path, _content(number, kinds[0], told[kinds[0]], path), mode)


def _path(number: int, told: dict[str, Any]) -> bytes:
    path = told.get("path")
    if not isinstance(path, str):
        raise _refused(number, "has no path, which must be a text")
    try:
        name = path.encode()
    except UnicodeEncodeError as problem:
        raise ChangeRefused(
            f"edit {number} has half a surrogate pair in its path", hint="For a name that is not UTF-8, give a diff or a directory."
        ) from problem
    if fault := fault_of(name):
        raise _refused(number, f"has the path '{said(name)}', which {fault}")
    return name


def _content(number: int, kind: str, value: Any, path: bytes) -> bytes | None:
    if kind == "delete":
        if value is not True:
            raise _refused(number, f"('{said(path)}') may only have true as delete")
        return None
    if not isinstance(value, str):
        raise _refused(number, f"('{said(path)}') must have a text as {kind}")
    try:
        return value.encode() if kind == "content" else base64.b64decode(value.encode("ascii"), validate=True)
    except UnicodeEncodeError as problem:
        odd = "half a surrogate pair in its content" if kind == "content" else "content_base64 that is no base64"
        raise _refused(number, f"('{said(path)}') has {odd}") from problem
    except binascii.Error as problem:
        raise _refused(number, f"('{said(path)}') has content_base64 that is no base64") from problem


def _tree(objects: PrivateObjects, base: Base, edits: tuple[Edit, ...]) -> str:
    base_tree = objects.tree_of(base.commit)
    deleted: list[bytes] = []
    written: dict[bytes, Entry] = {}
    for number, edit in enumerate(edits, 1):
        there = objects.find(base_tree, edit.path)
        if edit.content is not None:
            kept = there.mode if there is not None and there.mode in (FILE, EXECUTABLE) else FILE
            written[edit.path] = Entry(edit.mode or kept, objects.write_blob(edit.content))
        elif there is None or there.mode == DIRECTORY:
            what = "which is not there" if there is None else "a directory; name its files"
            raise _refused(number, f"deletes '{said(edit.path)}', {what} in {base.label}")
        else:
            deleted.append(edit.path)
    return lay(objects, base, deleted, written)


def _refused(number: int, what: str) -> ChangeRefused:
    return ChangeRefused(f"edit {number} {what}", hint=SHAPE)
