"""What the runs of a probe show: base and patched tree are compared item by item, each environment by itself."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from runner.controls.calls import Call
from runner.controls.interpreter import SILENT, Run, Told

BASE_SANDBOX = "the base's sandbox"
OFTEN, SELDOM = 200, 20
"""Repeats of a call on the base, and with the change, from which and up to which the second say nothing of the first."""
ANSWERS = frozenset({"returned", "raised"})
"""Kinds that are a measure when the base gives them."""
_LATE = frozenset({"timed out", "hung"})
"""Kinds that may be the machine's fault: they count for items that the patched tree answers in time nowhere."""
_ACCIDENTS = frozenset({"TypeError", "AttributeError", "NameError", "UnboundLocalError", "RecursionError"})
"""What the base raises for arguments that it was never meant for; that is no behaviour to keep."""


class Seen(NamedTuple):
    """One environment: the runs on the base, and that on the patched tree."""

    name: str
    """As it is said to people, e.g. `another clock`; empty for the ordinary one."""
    base: tuple[Run, ...]
    patched: Run
    place: int = 0
    """The same for all turns of one question."""


class Difference(NamedTuple):
    """One item that does not give on the patched tree what it gives on the base; `number` is its place among the items."""

    number: int
    environment: str
    base: Told
    patched: Told


class Compared(NamedTuple):
    """What the runs of all environments show."""

    differences: tuple[Difference, ...]
    """One for each item: that of the first environment."""
    measured: frozenset[int]
    """Items that the base answers alike each time, and that the patched tree answered."""
    lost: frozenset[int]
    """Items that the base answers and the patched tree never does."""
    slow: frozenset[int]
    """Items that the patched tree answers somewhere, but nowhere in one environment, or so slowly that it says little of them there."""
    troubles: tuple[str, ...]
    """What could not be had at all, as clauses."""


def compare(calls: Sequence[Call], seen: Sequence[Seen]) -> Compared:
    """Compare base and patched, each environment by itself; calls that waver on the base in any of them are left out."""
    wavering = {number for one in seen for number in range(len(calls)) if len({at(run, number) for run in one.base}) > 1}
    differences: dict[int, Difference] = {}
    late: dict[int, Difference] = {}
    measured, lost = set[int](), set[int]()
    for one in seen:
        for number, call in enumerate(calls):
            base, patched = at(one.base[0], number), at(one.patched, number)
            if number in wavering or base.kind not in ANSWERS or is_accident(call, base) or _is_dropped(call, patched):
                continue
            if patched.kind == "silent":
                lost.add(number)
            elif patched.kind in _LATE:
                late.setdefault(number, Difference(number, one.name, base, patched))
            elif differs(call, base, patched):
                differences.setdefault(number, Difference(number, one.name, base, patched))
                measured.add(number)
            else:
                measured.add(number)
    stuck, slow = _stuck(seen, late.keys() - wavering), _slow(seen, measured - wavering)
    for number in (late.keys() - measured) | (stuck - differences.keys()):
        differences[number] = late[number]
        measured.add(number)
    ordered = tuple(differences[number] for number in sorted(differences))
    return Compared(ordered, frozenset(measured), frozenset(lost - measured), slow - differences.keys(), tuple(troubles(seen)))


def _by_place(seen: Sequence[Seen]) -> list[list[Seen]]:
    """The turns of each question."""
    places: dict[int, list[Seen]] = {}
    for one in seen:
        places.setdefault(one.place, []).append(one)
    return list(places.values())


def _stuck(seen: Sequence[Seen], late: Collection[int]) -> set[int]:
    """Items that run into their own time limit in each turn of one environment with the change, and in none on the base."""
    fine = {number for number in late if not any(at(run, number).kind in _LATE for one in seen for run in one.base)}
    rows = [turns for turns in _by_place(seen) if len(turns) > 1]
    return {number for number in fine if any(all(at(one.patched, number).kind == "timed out" for one in turns) for turns in rows)}


def _slow(seen: Sequence[Seen], measured: Collection[int]) -> frozenset[int]:
    """Items of which one environment says nothing: each time what is asked there was overdue before, or they were hardly repeated."""
    rows = _by_place(seen)
    return frozenset(number for number in measured if any(all(_hardly(one, number) for one in turns) for turns in rows))


def _hardly(one: Seen, number: int) -> bool:
    if at(one.base[0], number).kind not in ANSWERS:
        return False
    times = [run.times[number] if number < len(run.times) else 0 for run in (one.base[0], one.patched)]
    return at(one.patched, number).kind in ("hung", "silent") or (times[0] >= OFTEN and times[1] < SELDOM)


def troubles(seen: Sequence[Seen]) -> Iterator[str]:
    """What could not be had of the environments, the base first."""
    for one in seen:
        where = f" in {one.name}" if one.name else ""
        if not all(run.alive for run in one.base):
            yield f"{BASE_SANDBOX}{where} did not live to tell"
        elif not one.patched.alive:
            yield f"the patched tree's sandbox{where} did not live to tell"
        elif not all(run.shifted for run in (*one.base, one.patched)):
            yield f"the clock{where} was not what was asked for"


def differs(call: Call, base: Told, patched: Told) -> bool:
    """Whether two answers are not the same; an exception's words count only for calls that the base's suite made.

    Attributes that the patched tree adds to an object are no difference, nor are private ones that it lacks; nor is it where what
    is no recorded type is refused.
    """
    if base.kind == patched.kind == "raised" and call.origin != "recorded":
        return base.type != patched.type
    if call.origin == "retyped" and patched.kind == "raised" and patched.type in _ACCIDENTS:
        return False  # it says that this type is not meant
    before, after = dict(base.state), dict(patched.state)
    kept = tuple((name, text) for name, text in base.state if name in after or not name.removeprefix("self.").startswith("_"))
    return base._replace(state=kept) != patched._replace(state=tuple((name, text) for name, text in patched.state if name in before))


def at(run: Run, number: int) -> Told:
    """The answer to one item; silence where the run has none."""
    return run.told[number] if number < len(run.told) else SILENT


def is_accident(call: Call, base: Told) -> bool:
    """Whether the base answers a guess of ours with what it was never meant for."""
    return call.origin != "recorded" and base.kind == "raised" and base.type in _ACCIDENTS


def _is_dropped(call: Call, patched: Told) -> bool:
    """Whether a module merely takes a name no more that is another's; whoever asks it for that is told so at once."""
    return call.passed and patched.kind == "not callable" and patched.type == "AttributeError"
