"""Check `tripwires`: added code that could tell a test from real use, or that waits for a time, a count or a chance."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from runner.model.action import Action, Found, answer, found
from runner.model.result import Result
from runner.model.text import cut, printable
from runner.model.value import Value
from runner.parsing import Parse, Source, parse

CHECK = "tripwires"
Kind = Literal["runner", "place", "stack", "clock", "chance", "count"]

_INSIDE = Path(__file__).parent / "inside"
_MOST_LINE = 120
_MESSAGES: dict[Kind, str] = {
    "runner": "asks whether a test runner or a control is there",
    "place": "asks whether it runs in CI, in a container, or as whom",
    "stack": "looks at its callers, or watches the interpreter",
    "clock": "decides by the clock and a time that is written out",
    "chance": "decides by chance",
    "count": "decides by what it remembers of other calls or runs",
}
_FIX = "Behave the same at every call and place; take what must differ as an argument. If it is meant, a person must say so."


class Options(Value):
    """Code that could tell a test from real use, or that waits for its time; only evidence, since what code does is undecidable."""

    rules: dict[Kind, Action] = {}
    """What follows from a kind, e.g. `{clock: warn}`: `allow`, `warn`, `hold` or `fail`; `hold` where nothing is said."""


class _Hit(NamedTuple):
    kind: Kind
    line: int
    text: str
    key: str


class _Read(NamedTuple):
    path: str
    hits: tuple[_Hit, ...]
    left_out: int
    cuts: tuple[str, ...]
    base: Counter[str]
    trouble: str = ""


def judge(pairs: Sequence[tuple[str, bytes | None, bytes | None]], options: Options) -> Result:
    """Holds for tripwires that changed source files have and their base has not; each of `pairs` is path, base and patched content.

    What was only moved, within a file or between them, and what only has other names, is not new. `unknown` for a file whose
    patched content cannot be read, or whose values cannot be followed to their end. That nothing is found does not mean that the code behaves alike under test and elsewhere:
    every sign can be asked for in some other way, and what another module gives is not followed.
    """
    changed = [(path, base, patched) for path, base, patched in pairs if patched is not None]
    deleted = [(path, base, b"") for path, base, patched in pairs if patched is None]
    every = [*changed, *deleted]
    answers = parse([Source("tripping:trips", _packed(base, patched)) for _, base, patched in every], _INSIDE)
    read = [_read(path, one) for (path, _, _), one in zip(every, answers, strict=True)]
    fine = f"no tripwire is new in {len(changed)} changed source files; that is no proof: code can ask in ways that reading does not see"
    return answer(CHECK, _findings(read[: len(changed)], _moved(read), options), fine)


def _packed(base: bytes | None, patched: bytes) -> bytes:
    return b"%d %d\n" % (-1 if base is None else len(base), len(patched)) + (base or b"") + patched


def _read(path: str, one: Parse) -> _Read:
    if one.state != "fine":
        return _Read(path, (), 0, (), Counter(), one.message or "no answer")
    told = json.loads(one.data)
    hits = tuple(_Hit(kind, line, text, key) for kind, line, _, text, key in told["hits"])
    return _Read(path, hits, told["more"], tuple(told["cuts"]), Counter(told["base"]))


def _moved(read: Sequence[_Read]) -> Counter[str]:
    """What files of the base have and the same files no longer have."""
    left: Counter[str] = Counter()
    for one in read:
        left += one.base - Counter(hit.key for hit in one.hits)
    return left


def _findings(read: Sequence[_Read], moved: Counter[str], options: Options) -> Iterator[Found]:
    for one in read:
        if one.trouble:
            yield _unseen(one.path, f"its code could not be searched: {cut(printable(one.trouble), _MOST_LINE)}")
        if one.left_out:
            yield _unseen(one.path, f"{one.left_out} more tripwires than can be told are in it")
        for why in one.cuts:
            yield _unseen(one.path, f"it could not be followed to its end: {why}")
        known = Counter(one.base)
        for hit in one.hits:
            if not (_took(known, hit.key) or _took(moved, hit.key)):
                message = f"{_MESSAGES[hit.kind]}: {cut(printable(hit.text), _MOST_LINE)}"
                yield found(options.rules.get(hit.kind, "hold"), one.path, f"{CHECK}.{hit.kind}", message, fix=_FIX, line=hit.line)


def _took(known: Counter[str], key: str) -> bool:
    """Whether one of the known is left to stand for this."""
    known[key] -= 1
    return known[key] >= 0


def _unseen(path: str, why: str) -> Found:
    one = found("hold", path, f"{CHECK}.unread", why, fix="Make the file simpler, or have a person read it.")
    return one._replace(unseen=True)
