"""Reads policy files: YAML 1.2 core without its traps, every fault with its place, all of them at once."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from runner.errors import PolicyInvalid
from runner.policy.nodes import Entry, List, Map, Node, Path, Place, Problem, Text, shown, written
from runner.policy.resolved import Loaded, resolve
from runner.ports import Trees
from runner.shipped import shipped

__all__ = ["Loaded", "builtin", "find_policy", "load_policy", "load_text"]

MOST_BYTES = 256 * 1024
MOST_DEPTH = 16
BUILTIN = "builtin:default"
IN_TREE = ".seatrial/policy.yaml"
_NULLS = ("", "~", "null", "Null", "NULL")
_BARE = re.compile(r":\s*>\s*[0-9]")
"""A comparison without its quotes, which YAML takes for the start of a folded text."""
_HINT = "`seatrial policy show` prints every key, `seatrial policy schema` what each means."


def find_policy(file: FilePath | None, trees: Trees, base_tree: str, label: str) -> Loaded:
    """The policy from the trusted side: the operator's `file`, else the base tree's, else the built-in default.

    `label` says which base that is, for people. The work tree and the change are never asked. Raises PolicyInvalid.
    """
    if file is not None:
        return load_policy(file)
    text = trees.read(base_tree, IN_TREE)
    return builtin() if text is None else load_text(text, f"{IN_TREE} of {label}", file=IN_TREE)


def load_policy(path: FilePath) -> Loaded:
    """The policy in a file of the operator. Raises PolicyInvalid, also when it cannot be read."""
    return load_text(content_of(path), str(path))


def content_of(path: FilePath) -> bytes:
    """What is in a file of the operator, no more than MOST_BYTES and one. Raises PolicyInvalid when it cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PolicyInvalid((f"{path}: this is not a regular file",), hint="Name a YAML file.")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise PolicyInvalid((f"{path}: cannot be read: {problem.strerror}",), hint="Check the name and its permissions.") from None


def builtin() -> Loaded:
    """The built-in default."""
    return load_text(shipped("policies/default.yaml").read_bytes(), BUILTIN)


def load_text(text: bytes, source: str, *, file: str | None = None) -> Loaded:
    """The policy in `text`; `source` says where it is from, `file` is its name in messages. Raises PolicyInvalid."""
    file = file or source
    problems: list[Problem] = []
    root = nodes_of(text, problems)
    defaults = None
    if source != BUILTIN:
        defaults = nodes_of(shipped("policies/default.yaml").read_bytes(), [], quick=True)
    loaded = resolve(root, problems, source=source, file=file, defaults=defaults) if root is not None else None
    if loaded is None or problems:
        raise PolicyInvalid(told(file, problems), hint=_HINT)
    return loaded


def told(file: str, problems: list[Problem]) -> tuple[str, ...]:
    """The problems of a file, one line each, in the order of their places."""
    return tuple(line for _, line in sorted({(problem.place, _line(file, problem)) for problem in problems}))


def _line(file: str, problem: Problem) -> str:
    key = f"{written(problem.path)}: " if problem.path else ""
    return shown(f"{file}:{problem.place[0]}:{problem.place[1]}: {key}{problem.what}", 1000)


def nodes_of(content: bytes, problems: list[Problem], *, quick: bool = False, begins: str = "seatrial: 1") -> Map | None:
    """The document as nodes; `None` when it is too broken to go on. Adds to `problems`. `begins` is how such a file begins.

    `quick` takes the parser in C where there is one: the same nodes, but poorer words for what is wrong.
    """
    if len(content) > MOST_BYTES:
        problems.append(Problem((1, 1), (), f"the file is larger than {MOST_BYTES // 1024}KiB, which nobody needs"))
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = content.count(b"\n", 0, broken.start) + 1
        problems.append(Problem((line, 1), (), "the file is not UTF-8 text"))
        return None
    problems.extend(_tabs(text))
    return None if problems else _document(text, problems, quick=quick, begins=begins)


def _tabs(text: str) -> Iterator[Problem]:
    for number, line in enumerate(text.split("\n"), start=1):
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent and line.strip() and not line.lstrip().startswith("#"):
            yield Problem((number, indent.index("\t") + 1), (), "a tab is used for indentation; use spaces")


def _document(text: str, problems: list[Problem], *, quick: bool, begins: str) -> Map | None:
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader) if quick else yaml.BaseLoader
    try:
        root = _Builder(yaml.parse(text, Loader=loader), problems).document()
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = ", ".join(part for part in (broken.context, broken.problem) if part)
        quotes = "; a text that begins with > stands in quotes" if _BARE.search(text.split("\n")[place[0] - 1]) else ""
        problems.append(Problem(place, (), f"this is not YAML: {shown(what, 200)}{quotes}"))
        return None
    except yaml.reader.ReaderError as broken:
        place = (text.count("\n", 0, broken.position) + 1, broken.position - text.rfind("\n", 0, broken.position))
        problems.append(Problem(place, (), f"the character U+{ord(text[broken.position]):04X} is not allowed in YAML"))
        return None
    except (ValueError, OverflowError):
        # PyYAML converts the numbers of escapes and directives without a care for their size
        problems.append(Problem((1, 1), (), "this is not YAML: an escape or a directive in it has a number out of range"))
        return None
    except _TooDeep as deep:
        problems.append(Problem(deep.place, (), f"nested more than {MOST_DEPTH} deep, which nobody needs"))
        return None
    if root is None:
        problems.append(Problem((1, 1), (), f"the file is empty; it begins with: {begins}"))
    elif not isinstance(root, Map):
        problems.append(Problem(root.place, (), f"the file is a map of keys and values, and begins with: {begins}"))
    return root if isinstance(root, Map) else None


class _TooDeep(Exception):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class _Builder:
    """Builds nodes from parser events and refuses what YAML has beyond texts, lists and maps."""

    def __init__(self, events: Iterator[Any], problems: list[Problem]) -> None:
        self._events, self._problems = events, problems

    def document(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self._events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents == 2:  # noqa: PLR2004
                    self._problem(event, (), "a second document begins; the file is one document")
            elif kind.startswith(("Scalar", "Sequence", "Mapping", "Alias")):
                node = self._node(event, (), 1)
                root = node if documents == 1 else root
        return None if isinstance(root, Text) and root.plain and not root.text else root

    def _problem(self, event: Any, path: Path, what: str) -> None:
        self._problems.append(Problem(_place(event), path, what))

    def _node(self, event: Any, path: Path, depth: int) -> Node:
        kind = type(event).__name__
        if kind == "AliasEvent":
            self._problem(event, path, f"the alias *{shown(event.anchor)} is not allowed; write the value out")
            return Text(_place(event), "", plain=False)
        if event.anchor is not None:
            self._problem(event, path, f"the anchor &{shown(event.anchor)} is not allowed; write values out where they are used")
        if event.tag is not None:
            self._problem(event, path, f"the tag {shown(event.tag)} is not allowed; the schema knows the types")
        if kind == "ScalarEvent":
            if not event.value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in event.value):
                self._problem(event, path, "half of a surrogate pair is no character")
                return Text(_place(event), "", plain=False)
            return Text(_place(event), event.value, plain=not event.style)
        if depth > MOST_DEPTH:
            raise _TooDeep(_place(event))
        return self._list(event, path, depth) if kind == "SequenceStartEvent" else self._map(event, path, depth)

    def _list(self, start: Any, path: Path, depth: int) -> List:
        items: list[Node] = []
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            items.append(self._value(event, (*path, len(items)), depth))
        return List(_place(start), tuple(items))

    def _map(self, start: Any, path: Path, depth: int) -> Map:
        entries: dict[str, Entry] = {}
        for event in self._events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self._node(event, path, depth + 1)
            name = key.text if isinstance(key, Text) else ""
            value = self._value(next(self._events), (*path, name), depth)
            if not isinstance(key, Text):
                self._problem(event, path, "a key is a single word here, not a list or a map")
            elif key.plain and name == "<<":
                self._problem(event, path, "the merge key << is not allowed; write the values out")
            elif name in entries:
                line, column = entries[name].place
                self._problem(event, (*path, name), f"this key is given twice (first at {line}:{column}); keep one")
            else:
                entries[name] = Entry(name, key.place, value)
        return Map(_place(start), tuple(entries.values()))

    def _value(self, event: Any, path: Path, depth: int) -> Node:
        node = self._node(event, path, depth + 1)
        if isinstance(node, Text) and node.plain and node.text in _NULLS:
            self._problem(event, path, f"there is no value here{f' ({node.text})' if node.text else ''}; give one, or leave the key out")
        return node


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1
