"""What the recording run on the base showed: which tests run which functions and lines, and how tests call them."""

import ast
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from runner.model.value import Value
from runner.trial import records

KINDS = frozenset({"functions", "covers", "lines", "calls", "lost", "recorded"})
"""The kinds of record that the plugin inside writes."""
MOST_FUNCTIONS = 50_000
MOST_NUMBERS = 20_000_000
"""Functions of all tests together."""
MOST_LINES = 5_000_000
"""Executed lines of all files together."""
MOST_CALLS = 200_000
LONGEST_LITERAL = 2000
"""Characters, as the program inside has it."""
WAYS = ("function", "method", "property", "class", "init")
_PARTS = ("objects", "calls", "watching", "recording")


def program() -> str:
    """The text that defines `plugin(report, settings)`, to be executed in a namespace of its own inside the sandbox.

    `report(kind, **fields)` writes one record. `settings` has `work` (the working copy's root), `tests` (paths of test files, as
    far as calls that come from them are to be recorded), and, if wanted, `sources` (paths of interest; without it every `.py`
    below `work` that is no test file), `lines` (bool), `most_calls` (of each function) and `name` (gives the id of an item; without
    it ids are formed as the pytest session does).
    """
    return "\n\n".join((Path(__file__).parent / "inside" / f"{name}.py").read_text(encoding="utf-8") for name in _PARTS)


class Function(Value):
    """A function of the base; `line` is that of its first decorator, `unprobed` and `not_literal` are calls left out."""

    path: str
    name: str
    line: int
    not_literal: int = 0
    """Calls from test files with an argument that is no literal; at least so many."""
    unprobed: int = 0
    """Calls from test files that cannot be repeated: on objects made elsewhere, or of functions that no name leads to."""


class Call(Value):
    """A call that a test file made, to be repeated elsewhere."""

    function: int
    """Its place among the recording's functions."""
    way: str
    """`function`, `method`, `property`, `class` (a class method) or `init` (the construction of `owner`)."""
    arguments: str
    """A literal: a tuple of positional ones and a dict of those by name, without those that were the default object."""
    owner: str | None = None
    """`module:name` of the class that was called or of the object's class; it may inherit the function."""
    made: str | None = None
    """The arguments, as above, that made the object of a method or property."""


class Recording(Value):
    """The whole recording run."""

    functions: tuple[Function, ...] = ()
    covers: dict[str, tuple[int, ...]] = {}
    """By test id, the places of the functions it ran."""
    lines: dict[str, tuple[int, ...]] = {}
    """By path, the lines that any test ran; none unless `has_lines`."""
    calls: tuple[Call, ...] = ()
    seconds: dict[str, float] = {}
    """Durations by test id, where they are known."""
    partial: tuple[str, ...] = ()
    """Tests that set a profile or trace function of their own: what else they run was not seen."""
    way: str = "none"
    """How calls were watched: `monitoring`, `profile`, `trace` or `none`."""
    has_lines: bool = False
    complete: bool = False
    """Whether the recording came to its end and nothing was left out."""
    problem: str = ""
    """What could not be recorded, and why."""

    @cached_property
    def tests_by_function(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """Test ids by path and qualified name."""
        found: dict[tuple[str, str], set[str]] = {}
        for test, numbers in self.covers.items():
            for number in numbers:
                function = self.functions[number]
                found.setdefault((function.path, function.name), set()).add(test)
        return {key: frozenset(tests) for key, tests in found.items()}

    @cached_property
    def calls_by_function(self) -> Mapping[tuple[str, str], tuple[Call, ...]]:
        """Recorded calls by path and qualified name."""
        found: dict[tuple[str, str], list[Call]] = {}
        for call in self.calls:
            function = self.functions[call.function]
            found.setdefault((function.path, function.name), []).append(call)
        return {key: tuple(calls) for key, calls in found.items()}

    def functions_of(self, test: str) -> tuple[Function, ...]:
        """The functions that a test ran; none for a test that is not known."""
        return tuple(self.functions[number] for number in self.covers.get(test, ()))

    def covering(self, changed: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """The ids of tests that run any of these (path, qualified name), or what is defined inside them, cheapest first.

        A class stands for its methods and a decorator for the functions it makes. Tests of unknown duration come last.
        """
        wanted = frozenset(changed)
        tests = {test for (path, name), ids in self.tests_by_function.items() if _is_in(path, name, wanted) for test in ids}
        return tuple(sorted(tests, key=lambda test: (self.seconds.get(test, float("inf")), test)))

    def covered_lines(self, path: str) -> frozenset[int]:
        """The lines of a file that any test ran, without those that run only while it is imported for collection."""
        return frozenset(self.lines.get(path, ()))


def _is_in(path: str, name: str, wanted: frozenset[tuple[str, str]]) -> bool:
    parts = name.split(".")
    return any((path, ".".join(parts[:end])) in wanted for end in range(1, len(parts) + 1))


class RecordedReader:
    """Collects the recording's records; what no recording writes is left out and makes it incomplete.

    `lines_only`: what is said of functions and calls is counted and not read, since a patched tree says it at whatever length.
    """

    def __init__(self, *, lines_only: bool = False) -> None:
        self._lines_only = lines_only
        self._functions: list[Function] = []
        self._covers: dict[str, set[int]] = {}
        self._partial: dict[str, None] = {}
        self._lines: dict[str, set[int]] = {}
        self._calls: dict[Call, None] = {}
        self._lost: dict[int, tuple[int, int]] = {}
        self._numbers_left, self._lines_left = MOST_NUMBERS, MOST_LINES
        self._end: Mapping[str, Any] | None = None
        self._problem = ""

    def record(self, record: Mapping[str, Any]) -> bool:
        """Take one JSON object of the report stream; whether it was one of the recording's."""
        kind = record.get("k")
        if not isinstance(kind, str) or kind not in KINDS:
            return False
        if self._end is not None:
            self._fault("the recording goes on after its end")
        elif kind == "recorded":
            self._end = record
        elif not self._take(kind, record):
            self._fault(f"a record of kind {kind} holds what no recording writes")
        return True

    def finish(self, seconds: Mapping[str, float] | None = None) -> Recording:
        """The recording, with the durations of tests where they are known."""
        end = self._end or {}
        if self._end is None:
            self._fault("the recording did not come to its end")
        elif end.get("left_out") != 0 or not (self._lines_only or self._agrees(end)):
            self._fault("the recording is not whole: its totals do not agree with what was told")
        way = end.get("way")
        has_lines = end.get("lines") is True
        return Recording(
            functions=tuple(self._counted()),
            covers={test: tuple(sorted(numbers)) for test, numbers in self._covers.items()},
            lines={path: tuple(sorted(lines)) for path, lines in self._lines.items()} if has_lines else {},
            calls=tuple(self._calls),
            seconds={test: taken for test, taken in (seconds or {}).items() if test in self._covers},
            partial=tuple(self._partial),
            way=way if way in ("monitoring", "profile", "trace") else "none",
            has_lines=has_lines,
            complete=not self._problem,
            problem=self._problem or records.text(end.get("problem"), 500),
        )

    def _agrees(self, end: Mapping[str, Any]) -> bool:
        return (end.get("tests"), end.get("functions")) == (len(self._covers), len(self._functions))

    def _fault(self, problem: str) -> None:
        self._problem = self._problem or problem

    def _counted(self) -> Iterable[Function]:
        for number, function in enumerate(self._functions):
            not_literal, unprobed = self._lost.get(number, (0, 0))
            yield function.model_copy(update={"not_literal": not_literal, "unprobed": unprobed})

    # records

    def _take(self, kind: str, record: Mapping[str, Any]) -> bool:
        rows = record.get("functions" if kind == "covers" else kind)
        if not isinstance(rows, list):
            return False
        if kind == "lines":
            return self._take_lines(records.relative(record.get("path")), rows)
        if self._lines_only:
            return True
        if kind == "covers":
            return self._take_covers(record, rows)
        take = {"functions": self._function, "calls": self._call, "lost": self._take_lost}[kind]
        taken = [isinstance(row, list) and take(row) for row in rows]
        return all(taken)

    def _function(self, row: list[Any]) -> bool:
        if len(row) != 4 or row[0] != len(self._functions) or len(self._functions) >= MOST_FUNCTIONS:  # noqa: PLR2004
            return False
        path, name, line = records.relative(row[1]), records.word(row[2]), records.count(row[3])
        if not path or name is None or line is None:
            return False
        self._functions.append(Function(path=path, name=name, line=line))
        return True

    def _known(self, number: object) -> int | None:
        known = records.count(number)
        return known if known is not None and known < len(self._functions) else None

    def _take_covers(self, record: Mapping[str, Any], rows: list[Any]) -> bool:
        test = records.word(record.get("id"))
        self._numbers_left -= len(rows)
        if test is None or self._numbers_left < 0 or (test not in self._covers and len(self._covers) >= records.MOST_TESTS):
            return False
        numbers = [self._known(row) for row in rows]
        self._covers.setdefault(test, set()).update(number for number in numbers if number is not None)
        if record.get("whole") is not True:
            self._partial[test] = None
        return None not in numbers

    def _take_lines(self, path: str, rows: list[Any]) -> bool:
        self._lines_left -= len(rows)
        if not path or self._lines_left < 0:
            return False
        lines = [records.count(row) for row in rows]
        self._lines.setdefault(path, set()).update(line for line in lines if line)
        return None not in lines

    def _call(self, row: list[Any]) -> bool:
        if len(row) != 5 or len(self._calls) >= MOST_CALLS:  # noqa: PLR2004  of a call's fields
            return False
        number, way, arguments, owner, made = self._known(row[0]), row[1], row[2], row[3], row[4]
        if number is None or way not in WAYS or not _is_call(arguments) or (made is not None and not _is_call(made)):
            return False
        if (owner is None) != (way == "function") or (made is None) == (way in ("method", "property")):
            return False
        if owner is not None and (records.word(owner) is None or not _is_address(owner)):
            return False
        self._calls[Call(function=number, way=way, arguments=arguments, owner=owner, made=made)] = None
        return True

    def _take_lost(self, row: list[Any]) -> bool:
        numbers = [records.count(part) for part in row]
        if len(numbers) != 3 or None in numbers or self._known(row[0]) is None:  # noqa: PLR2004
            return False
        self._lost[row[0]] = (row[1], row[2])
        return True


def _is_call(text: object) -> bool:
    """Whether a text is a literal of positional arguments and of arguments by name."""
    if not isinstance(text, str) or len(text) > LONGEST_LITERAL:
        return False
    try:
        value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    if type(value) is not tuple or [type(part) for part in value] != [tuple, dict]:
        return False
    return all(isinstance(name, str) for name in value[1])


def _is_address(owner: str) -> bool:
    module, _, name = owner.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), *name.split(".")))
