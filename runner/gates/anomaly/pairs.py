"""Which test of the change is which test of the base: renamed, moved, merged and parametrised tests are not deleted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Claim = Mapping[str, Any]
Place = tuple[str, str]
"""Path and name within it."""
_MOST_PAIRS = 40_000
_ALIKE = 0.5


class Pair(NamedTuple):
    """A test before and after, and where it is after."""

    place: Place
    old: Mapping[str, Any]
    new_place: Place
    new: Mapping[str, Any]


class Paired(NamedTuple):
    """Tests found again, tests that are gone, tests that are new, and whatever new tests claim that nothing on the base did."""

    pairs: list[Pair]
    gone: dict[Place, Mapping[str, Any]]
    fresh: dict[Place, Mapping[str, Any]]
    pool: Counter[tuple[Any, ...]]
    brought: int
    """New tests that claim something and stand for none of the base."""
    cases: Counter[tuple[str, ...]]
    """The cases of new tests."""


def key(claim: Claim) -> tuple[Any, ...]:
    """What makes two claims the same, wherever they stand."""
    return (
        claim["op"],
        tuple(claim["sides"]),
        claim["expected"],
        tuple(claim.get("errors", ())),
        claim.get("narrowed", False),
        tuple(sorted(claim.get("tolerance", {}).items())),
        claim.get("named", ""),
    )


def keys(test: Mapping[str, Any]) -> Counter[tuple[Any, ...]]:
    """The claims of a test, counted."""
    return Counter(key(claim) for claim in test.get("claims", ()))


def pair(old: Mapping[Place, Mapping[str, Any]], new: Mapping[Place, Mapping[str, Any]]) -> Paired:
    """Find every test of the base again, by its place, its body, its name, and by what it claims; in that order."""
    pairs = [Pair(place, test, place, new[place]) for place, test in old.items() if place in new]
    gone = {place: test for place, test in old.items() if place not in new}
    fresh = {place: test for place, test in new.items() if place not in old}
    for same in (_body, _name):
        known: dict[Any, list[Place]] = {}
        for place, test in fresh.items():
            known.setdefault(same(place, test), []).append(place)
        for place in list(gone):
            if found := known.get(same(place, gone[place])):
                _take(place, found.pop(0), pairs, gone, fresh)
    pool = _pool(pairs, fresh)
    _by_claims(pairs, gone, fresh)
    _merge(gone, pool)
    used = _turn_into_cases(gone, fresh, pairs)
    brought = sum(bool(test["total"]) for place, test in fresh.items() if place not in used)
    theirs = Counter(tuple(case) for test in fresh.values() for _, given in test["cases"] for case in given or ())
    return Paired(pairs, gone, fresh, pool, brought, theirs)


def _take(place: Place, found: Place, pairs: list[Pair], gone: dict[Place, Any], fresh: dict[Place, Any]) -> None:
    pairs.append(Pair(place, gone.pop(place), found, fresh.pop(found)))


def _body(_: Place, test: Mapping[str, Any]) -> Any:
    return test["body"]


def _name(place: Place, _: Mapping[str, Any]) -> Any:
    return place[1].rpartition("::")[2]


def _pool(pairs: Iterable[Pair], fresh: Mapping[Place, Mapping[str, Any]]) -> Counter[tuple[Any, ...]]:
    """What the tests of the change claim beyond what they claimed on the base."""
    pool: Counter[tuple[Any, ...]] = Counter()
    for one in pairs:
        if not one.new.get("same"):
            pool += keys(one.new) - keys(one.old)
    for test in fresh.values():
        pool += keys(test)
    return pool


def _by_claims(pairs: list[Pair], gone: dict[Place, Any], fresh: dict[Place, Any]) -> None:
    """Renamed and edited: at least half of what a test claimed is what a new one claims."""
    if len(gone) * len(fresh) > _MOST_PAIRS:
        return
    claimed = {place: keys(test) for place, test in fresh.items()}
    for place in list(gone):
        mine = keys(gone[place])
        scored = [((mine & theirs).total(), other[0] == place[0], other) for other, theirs in claimed.items() if other in fresh]
        score, _, found = max(scored, default=(0, False, place))
        if mine and score >= _ALIKE * mine.total():
            _take(place, found, pairs, gone, fresh)


def _merge(gone: dict[Place, Any], pool: Counter[tuple[Any, ...]]) -> None:
    """Merged into others, or split: all that it claimed is claimed by tests of the change that did not."""
    left = Counter(pool)
    for place in list(gone):
        mine = keys(gone[place])
        if mine and all(left[claim] >= count for claim, count in mine.items()):
            left.subtract(mine)
            del gone[place]


def _turn_into_cases(gone: dict[Place, Any], fresh: Mapping[Place, Any], pairs: Iterable[Pair]) -> set[Place]:
    """Copies made cases of one test, or cases made tests of their own: tests that look alike have room for as many. Which of them were needed."""
    used: set[Place] = set()
    grown = {one.new_place: one for one in pairs if not one.new.get("same") and cases(one.new) > cases(one.old)}
    tests = {**fresh, **{place: one.new for place, one in grown.items()}}
    room = {place: cases(test) for place, test in fresh.items()} | {place: cases(one.new) - cases(one.old) for place, one in grown.items()}
    several = {place for place, left in room.items() if left > 1} | grown.keys()
    if len(gone) * len(room) > _MOST_PAIRS:
        return used
    for place in list(gone):
        needed = max(cases(gone[place]), 1)
        fitting = [one for one, left in room.items() if left and (needed > 1 or one in several) and _alike(gone[place], tests[one])]
        if sum(room[one] for one in fitting) < needed:
            continue
        for one in fitting:
            taken = min(needed, room[one])
            used |= {one} if taken else set()
            room[one] -= taken
            needed -= taken
        del gone[place]
    return used


def cases(test: Mapping[str, Any]) -> int:
    """How often a test runs, by its parametrisations and by the loops around what it claims."""
    count = 1
    for _, given in test.get("cases", ()):
        count *= len(given) if given is not None else 1
    return int(count * max((claim["times"] for claim in test.get("claims", ())), default=1))


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two tests look alike once their texts, numbers and variables are left open."""
    mine, theirs = ({claim["shape"] for claim in test["claims"]} for test in (one, other))
    if mine and theirs:
        return len(mine & theirs) >= _ALIKE * len(mine)
    ours, others = set(one["calls"]), set(other["calls"])
    return bool(ours) and len(ours & others) >= _ALIKE * len(ours | others)
