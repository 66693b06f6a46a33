"""Wrong-expectation twins: test files of the base in which one assertion of each test is wrong, so that a green one is a forged one."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from runner.parsing import Parse, Source, parse

_INSIDE = Path(__file__).parent / "inside"


class Asked(NamedTuple):
    """One file to make a twin of."""

    source: bytes
    functions: Collection[str]
    """Node ids without file and parameters: `test_a`, `TestX::test_b`, `TestX::TestY::test_c`."""
    turn: int = 0
    """0 alters the last assertion that runs, 1 the one before it, and so on round and round."""
    far: Collection[str] = ()
    """Those of the functions in which a number becomes one far from it, and a text a longer one; else they differ by as little as tests notice."""


class Altered(NamedTuple):
    """What was altered in one function."""

    function: str
    line: int
    was: str
    """The assertion, shortened to one line."""
    now: str
    straight: bool = True
    """Whether every run of the function comes by, and evaluates what was altered: if not, a green twin may be honest."""


class Twin(NamedTuple):
    """A test file with the same lines and ids, and wrong expectations."""

    source: bytes
    altered: tuple[Altered, ...]
    """In the order of the names; one that is defined more than once (in branches) has an entry for each definition."""


def twin(source: bytes, functions: Collection[str], turn: int = 0, *, far: bool = True) -> Twin | None:
    """The twin of one file, as `twins` gives it; `None` also where nothing in it could be altered."""
    (made,) = twins([Asked(source, functions, turn, functions if far else ())])
    return made if made and made.altered else None


def twins(asked: Iterable[Asked]) -> list[Twin | None]:
    """For each file, its twin: in each named function one assertion is altered so that the test fails if it is really checked.

    Altered are literals that are compared for equality (the other side gets a value that equals nothing where there is none),
    conditions, classes that `pytest.raises`, `pytest.warns` and their like of `unittest` expect, and methods of `unittest`, which
    become their opposites. Only assertions of the body itself: not those of functions inside it or called by it. A test that is
    inherited is altered where the file defines it, so that those of other classes that inherit it go red as well.

    Whether an altered assertion is reached is not known from the text, so a twin that is green on the base proves nothing.
    `None` when the file is not UTF-8 or not Python of this interpreter: all are read in one child with limits.
    """
    answers = parse([Source("twinning:twin", _packed(each)) for each in asked], _INSIDE)
    return [_read(answer) for answer in answers]


def _packed(asked: Asked) -> bytes:
    return json.dumps({"functions": sorted(asked.functions), "turn": asked.turn, "far": sorted(asked.far)}).encode() + b"\n" + asked.source


def _read(answer: Parse) -> Twin | None:
    if answer.state != "fine":
        return None
    told = json.loads(answer.data)
    return Twin(told["source"].encode(), tuple(Altered(*each) for each in told["altered"]))
