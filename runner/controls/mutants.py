"""Mutants: copies of a source file with one small change each, which a test that checks what the line does must notice."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from runner.parsing import Source, parse

_INSIDE = Path(__file__).parent / "inside"
MOST_SOURCE = 2**20
"""The largest file that is mutated, in bytes; the largest of the standard library has 0.3 MiB."""


class Mutant(NamedTuple):
    """A file with one change in one line; every other line is as it was."""

    source: bytes
    function: str
    """The function or class that the line belongs to (`f`, `C.m`), `<module>` for neither."""
    line: int
    was: str
    """The line, or the part of a long one that is about the change."""
    now: str


def mutants(source: bytes, lines: Collection[int], most: int, seed: str) -> list[Mutant]:
    """Up to `most` mutants of a file, each with one change at one of these lines (from 1).

    They take turns: each function gets one before any gets a second, and so do the lines of a function and the kinds of change of a
    line. What comes first is drawn with the seed, the same for the same text wherever in the file it stands.

    Changed are comparisons (to the border's other side, and to their opposite), arithmetic, `and` and `or`, `not`, constants, results,
    conditions, defaults, values that are assigned, `break` and `continue`; calls that stand alone and `raise` are left out. Not
    changed is what no test need notice: docstrings, annotations and other things for type checkers, decorators, dunder names and
    versions, what is logged, warned of and said in exceptions, and the few changes that are plainly without effect, such as `x + 0`.
    A survivor may still mean the same as the original, and a mutant may run for ever: whoever runs it sets a limit.

    Empty when nothing there can be changed, and when the file is larger than `MOST_SOURCE`, is not UTF-8 or is not Python of this
    interpreter. It may be hostile: it is read in a child with limits.
    """
    return _made(source, {"lines": sorted(lines), "functions": None}, most, seed)


def of_functions(source: bytes, functions: Collection[str], most: int, seed: str) -> list[Mutant]:
    """As `mutants`, anywhere in these functions: for the side of a change on which no line changed (`facts/controls.md`).

    A class (`C`) stands for what its body holds beside functions, and `<module>` for the same of the module.
    """
    return _made(source, {"lines": None, "functions": sorted(functions)}, most, seed)


def _made(source: bytes, where: dict[str, object], most: int, seed: str) -> list[Mutant]:
    if len(source) > MOST_SOURCE or most < 1:
        return []
    asked = json.dumps({**where, "most": most, "seed": seed}).encode() + b"\n" + source
    (answer,) = parse([Source("mutating:mutants", asked)], _INSIDE)
    told = json.loads(answer.data) if answer.state == "fine" else []
    return [_mutant(source, *each) for each in told]


def _mutant(source: bytes, function: str, line: int, was: str, now: str, first: int, end: int, new: str) -> Mutant:
    return Mutant(source[:first] + new.encode() + source[end:], function, line, was, now)
