"""Importing modules inside the sandbox: what is asked, and what came back, read as hostile data."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from runner.model.sandbox import Errands
from runner.model.suite import Errand
from runner.ports import Importer

MOST = 1000
"""Modules that one interpreter is asked to import."""
LONGEST_NAMES = 90_000
"""Characters of all names in one command."""

State = Literal["imported", "raised", "ended", "hung", "silent"]


class Answer(NamedTuple):
    """How the import of one module went; what is quoted is ASCII, with everything else escaped."""

    state: State
    """`ended`: the process did, while the module was imported; `silent`: it was never its turn, or what came back says nothing."""
    seconds: float = 0.0
    file: str = ""
    error: str = ""
    """The name of the exception's class."""
    needs: str = ""
    """The module that was missing or lacked a name, when the exception says so."""
    place: str = ""
    """`path:line` in the working copy."""
    message: str = ""
    status: int | None = None
    """Exit status of a process that ended."""


SILENT = Answer("silent")


def together(importer: Importer, modules: Sequence[str], seconds: float) -> Errands | None:
    """The errand that imports all modules in one fresh interpreter; `None` when there are none."""
    names = _asked(modules)
    return _errands(importer, [names], seconds, seconds) if names else None


def apart(importer: Importer, modules: Sequence[str], seconds: float, total: float) -> Errands:
    """The errands that import each module in an interpreter of its own."""
    return _errands(importer, [(name,) for name in _asked(modules)], seconds, total)


def _asked(modules: Sequence[str]) -> tuple[str, ...]:
    size, names = 0, []
    for name in modules[:MOST]:
        size += len(name) + 1
        if size > LONGEST_NAMES:
            break
        names.append(name)
    return tuple(names)


def _errands(importer: Importer, each: Sequence[tuple[str, ...]], seconds: float, total: float) -> Errands:
    argv = (*importer.argv, _program(), importer.work, importer.path)
    return Errands(argv=argv, each=tuple(each), env=importer.env, seconds=seconds, total=total)


@cache
def _program() -> str:
    return (Path(__file__).parent / "inside" / "import_modules.py").read_text(encoding="utf-8")


def read_together(errands: tuple[Errand, ...] | None, modules: Sequence[str]) -> Mapping[str, Answer]:
    """What one interpreter said of all modules."""
    return _read(errands[0] if errands else None, _asked(modules), modules)


def read_apart(errands: tuple[Errand, ...] | None, modules: Sequence[str]) -> Mapping[str, Answer]:
    """What the interpreters of one module each said."""
    done = dict(zip(_asked(modules), errands or (), strict=False))
    return {name: _read(done.get(name), (name,), (name,))[name] for name in modules}


def _read(errand: Errand | None, asked: Sequence[str], modules: Sequence[str]) -> dict[str, Answer]:
    """One answer for each of `modules`; one that was given twice, or out of turn, is none."""
    answers = dict.fromkeys(modules, SILENT)
    if errand is None:
        return answers
    begun, doubtful = -1, set()
    for line in errand.told.split("\n"):
        word, *fields = line.split("\t")
        number = _number(fields[0] if fields else "", len(asked))
        if number is None:
            continue
        if word == "begin" and number == begun + 1:
            begun = number
        elif number != begun or answers[asked[number]] is not SILENT or (answer := _answer(word, fields[1:])) is None:
            doubtful.add(number)
        else:
            answers[asked[number]] = answer
    if begun >= 0 and answers[asked[begun]].state in ("silent", "imported") and errand.status != 0:
        answers[asked[begun]] = Answer("hung" if errand.status is None else "ended", errand.seconds, status=errand.status)
    elif begun >= 0 and answers[asked[begun]] is SILENT:
        answers[asked[begun]] = Answer("ended", errand.seconds, status=0)
    return {**answers, **{asked[number]: SILENT for number in doubtful}}


def _answer(word: str, fields: list[str]) -> Answer | None:
    match word, fields:
        case "imported", [seconds, file]:
            return Answer("imported", _seconds(seconds), file=_text(file))
        case "raised", [seconds, error, needs, place, message]:
            return Answer("raised", _seconds(seconds), "", _text(error), _text(needs), _text(place), _text(message))
    return None


def _number(text: str, below: int) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) and int(text) < below else None


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"[0-9]{1,7}\.[0-9]{3}", text, re.ASCII) else 0.0


def _text(text: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:400])
