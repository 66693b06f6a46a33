"""What a plain interpreter inside the sandbox is asked to call or to run, and what came back, read as hostile data."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from runner.model.sandbox import Errands
from runner.model.suite import Errand
from runner.model.value import Value
from runner.ports import Importer

LONGEST_ARGUMENT = 100_000
"""Characters; the kernel allows 128 KiB for one argument."""
LONGEST_LIST = 40_000
"""Characters of one list; a larger one is divided."""
LONGEST_TOGETHER = 120_000
"""Characters of all lists of one question: a few of these pass through one command line, of which the kernel allows 2 MiB."""
LONGEST_LINE = 100_000
MOST_STATE = 100
KINDS = frozenset({"returned", "raised", "timed out", "not callable", "not made", "not imported", "broken"})
"""What the program says of an item; the reader adds `ended`, `hung`, `garbled` and `silent`."""

_BOOT = "exec(__import__('sys').argv[1], {'__name__': 'plain', '__builtins__': dict(vars(__import__('builtins')))})"
_DEFAULTS = {"PYTHONDONTWRITEBYTECODE": "1"}
MOST_TIMES = 1_000_000

Item = Mapping[str, object]


class Bounds(Value):
    """What one item, and what a list of items may use."""

    seconds: float = 2.0
    """Wall time of one item."""
    list_seconds: float = 30.0
    """Wall time of one list, which has an interpreter of its own."""
    total: float = 120.0
    """Wall time of all lists."""
    items: int = 50
    """What is read from an iterator."""
    longest: int = 400
    """Characters of a text; of a longer one the start and a digest are told."""
    most: int = 100
    """Items of one list."""


class Told(NamedTuple):
    """What came of one item; all texts are hostile."""

    kind: str
    """One of `KINDS`; or `ended` or `hung` where the process did, `garbled` where it said more than one thing, `silent` where nothing."""
    type: str = ""
    """The class of what was returned or raised."""
    text: str = ""
    printed: str = ""
    after: str = ""
    """The arguments afterwards, where the call altered them."""
    state: tuple[tuple[str, str], ...] = ()
    """Public attributes of the object and of what was returned, where their `repr` does not tell."""


SILENT = Told("silent")


class Run(NamedTuple):
    """What came of all items in one environment."""

    told: tuple[Told, ...]
    alive: bool = True
    """Whether the sandbox lived to tell."""
    shifted: bool = True
    """Whether each interpreter said that its clock was what it was asked for."""
    times: tuple[int, ...] = ()
    """How often each item was repeated, where it was to be."""


class Asked(NamedTuple):
    """The errands for a number of items, and which items each is for."""

    errands: Errands
    lists: tuple[range, ...]


def ask(
    importer: Importer,
    units: Sequence[Sequence[Item]],
    bounds: Bounds,
    *,
    examples: bool = False,
    shift: float = 0.0,
    repeat: float = 0.0,
    seed: int = 1,
) -> Asked:
    """The errands over items in the order given; a unit's items share an interpreter. Units that do not fit any more are left out.

    Items of one module share one, too, or those of one `list` where they name it; they import what stands under `beside` as well.

    `shift` is in seconds, added to every clock that the program can reach. `examples`: items are those of docstrings. `repeat`: each item
    is repeated for so many seconds of the processor; the first answer that is another than the first one's is told. `seed`: of the order of sets.
    """
    lists, argv, done = _lists(units, bounds), [], 0
    for items in lists:
        settings = {
            "work": importer.work,
            "path": importer.path,
            "clock": shift,
            "examples": examples,
            "repeat": repeat,
            "limits": bounds.model_dump(include={"seconds", "items", "longest"}),
            "items": items,
        }
        argv.append(_pieces(json.dumps(settings, separators=(",", ":"))))
    ranges = []
    for items in lists:
        ranges.append(range(done, done + len(items)))
        done += len(items)
    texts = [_program(name) for name in ("probe_calls", "clock", "showing", "arguments", "run_examples", "printed")]
    env, own = {**_DEFAULTS, **importer.env}, {"PYTHONHASHSEED": str(seed)}
    front = (*importer.argv, _BOOT, *texts)
    errands = Errands(argv=front, each=tuple(argv), envs=(own,) * len(argv), env=env, seconds=bounds.list_seconds, total=bounds.total)
    return Asked(errands, tuple(ranges))


def _lists(units: Sequence[Sequence[Item]], bounds: Bounds) -> list[list[Item]]:
    lists: list[list[Item]] = []
    size = together = 0
    module: object = None
    for unit in units:
        length = len(json.dumps(unit))
        together += length
        if together > LONGEST_TOGETHER:
            break
        full = not lists or size + length > LONGEST_LIST or len(lists[-1]) + len(unit) > bounds.most
        home = unit[0].get("list", unit[0]["module"])
        if full or home != module:
            lists.append([])
            size, module = 0, home
        lists[-1] += unit
        size += length
    return lists


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(text[at : at + LONGEST_ARGUMENT] for at in range(0, len(text), LONGEST_ARGUMENT))


@cache
def _program(name: str) -> str:
    return (Path(__file__).parent / "inside" / f"{name}.py").read_text(encoding="utf-8")


def read(asked: Asked, errands: tuple[Errand, ...] | None) -> Run:
    """One answer for each item; `errands` is what the sandbox gave back, `None` when it did not live to tell."""
    if errands is None:
        return Run((SILENT,) * sum(map(len, asked.lists)), alive=False)
    told: list[Told] = []
    times: list[int] = []
    shifted = True
    for number, items in enumerate(asked.lists):
        errand = errands[number] if number < len(errands) else None
        answers, said = _read(errand, len(items))
        told += answers
        times += _times(errand, len(items))
        shifted = shifted and said
    return Run(tuple(told), shifted=shifted, times=tuple(times))


def _times(errand: Errand | None, count: int) -> list[int]:
    """How often each item of a list was repeated, as the first line about it says."""
    found: dict[int, int] = {}
    for line in errand.told.split("\n") if errand is not None else ():
        record = _record(line)
        number, times = _number(record.get("n"), count), _number(record.get("times"), MOST_TIMES)
        if record.get("k") == "told" and number is not None and times is not None:
            found.setdefault(number, times)
    return [found.get(number, 0) for number in range(count)]


def _read(errand: Errand | None, count: int) -> tuple[list[Told], bool]:
    """The answers of one list, and whether its clock was shifted; an answer given twice, or out of turn, is none."""
    answers = [SILENT] * count
    begun, doubtful, starts, ends = -1, set[int](), [], 0
    if errand is None:
        return answers, True
    for line in errand.told.split("\n"):
        record = _record(line)
        kind, number = record.get("k"), _number(record.get("n"), count)
        if kind == "start":
            starts.append(record.get("shifted"))
        elif kind == "end":
            ends += 1
        elif number is None:
            continue
        elif kind == "begin" and number == begun + 1 and not ends:
            begun = number
        elif kind != "told" or number != begun or answers[number] is not SILENT or (answer := _answer(record)) is None:
            doubtful.add(number)
        else:
            answers[number] = answer
    if begun >= 0 and not _whole(errand, starts, ends, begun == count - 1):
        how = "hung" if errand.status is None else "ended"
        status = "" if errand.status is None else f"exit status {errand.status}"
        last = answers[begun]
        answers[begun] = Told(how, text=status) if last is SILENT else Told("garbled", text=f"it answered, and {status or 'went on'}")
    for number in doubtful:
        answers[number] = Told("garbled", text="it said more than one thing")
    return answers, starts in ([True], [])


def _whole(errand: Errand, starts: list[object], ends: int, last: bool) -> bool:  # noqa: FBT001
    return len(starts) == 1 and ends == 1 and last and errand.status == 0


def _record(line: str) -> Mapping[str, Any]:
    if not line.startswith("{") or len(line) > LONGEST_LINE:
        return {}
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _number(value: object, below: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below else None


def _answer(record: Mapping[str, Any]) -> Told | None:
    texts = [record.get(name, "") for name in ("kind", "type", "text", "printed", "after")]
    state = record.get("state", {})
    if not all(isinstance(text, str) for text in texts) or texts[0] not in KINDS or not isinstance(state, dict) or len(state) > MOST_STATE:
        return None
    if not all(isinstance(text, str) for text in state.values()):
        return None
    kind, of, text, printed, after = map(_clean, texts)
    return Told(kind, of, text, printed, after, tuple(sorted((_clean(name), _clean(told)) for name, told in state.items())))


def _clean(text: str) -> str:
    """Without lone surrogates, which no report can hold."""
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)
