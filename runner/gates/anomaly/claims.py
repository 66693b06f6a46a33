"""Two versions of what a test asserts: what is the same, looser, edited, lost or new."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.gates.anomaly.pairs import Claim, key

_STRENGTH = {
    "eq": 5, "is": 5, "none": 5, "raises": 5, "called_once_with": 5, "other": 5, "fail": 5, "near": 4, "called_with": 4,
    "same_items": 4, "in": 3, "ne": 3, "notin": 3, "isnot": 3, "lt": 3, "le": 3, "gt": 3, "ge": 3, "falsy": 3, "instance": 3,
    "match": 3, "called_once": 3, "truth": 2, "called": 2, "notnone": 1,
}  # fmt: skip
"""How little an assertion of this kind leaves open."""
_STRICT, _VAGUE = 5, 2
_MUCH = 100
_MOST_SEARCHED = 60
_ANY = {"Exception", "BaseException"}
_UPPER = ("lt", "le")


class Compared(NamedTuple):
    """Lines of claims that are looser or edited; claims that are lost, and that are new."""

    looser: list[int]
    edited: list[int]
    lost: list[Claim]
    new: list[Claim]


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Compared:
    """Match the claims of a test with those of its later version: equal ones first, then those about the same thing."""
    looser: list[int] = []
    edited: list[int] = []
    left, right = _unequal(old["claims"], new["claims"], looser)
    lost: list[Claim] = []
    by_thing: dict[tuple[Any, ...], list[Claim]] = {}
    for claim in right:
        by_thing.setdefault(_thing(claim), []).append(claim)
    taken: set[int] = set()
    for claim in left:
        same = by_thing.get(_thing(claim), [])
        found = same.pop(0) if same else None
        if found is None:
            lost.append(claim)
        else:
            taken.add(id(found))
            _judge(claim, found, looser, edited)
    rest = [claim for claim in right if id(claim) not in taken]
    return _about_the_same(lost, rest, looser, edited)


def _about_the_same(lost: list[Claim], rest: list[Claim], looser: list[int], edited: list[int]) -> Compared:
    """Of what is left on both sides, the claims about the same thing that are of another kind."""
    gone = lost[_MOST_SEARCHED:]
    for claim in lost[:_MOST_SEARCHED]:
        found = next((other for other in rest[:_MOST_SEARCHED] if _about(claim, other)), None)
        if found is None:
            gone.append(claim)
        else:
            rest.remove(found)
            _judge(claim, found, looser, edited)
    return Compared(looser, edited, gone, rest)


def _judge(claim: Claim, found: Claim, looser: list[int], edited: list[int]) -> None:
    if _is_looser(claim, found):
        looser.append(found["line"])
    elif _is_edited(claim, found):
        edited.append(found["line"])


def _thing(claim: Claim) -> tuple[Any, ...]:
    """What makes two claims the same kind of claim about the same thing."""
    return claim["op"], tuple(claim["sides"]), claim.get("named")


def _unequal(old: list[Claim], new: list[Claim], looser: list[int]) -> tuple[list[Claim], list[Claim]]:
    """The claims of both sides without those that are equal; one that is now under a condition is looser."""
    waiting: dict[tuple[Any, ...], list[Claim]] = {}
    for claim in old:
        waiting.setdefault(key(claim), []).append(claim)
    rest = []
    for claim in new:
        if same := waiting.get(key(claim)):
            match = next((one for one in same if one["guard"] == claim["guard"]), same[0])
            same.remove(match)
            if len(claim["guard"]) > len(match["guard"]) and "except" not in claim["guard"]:
                looser.append(claim["line"])
        else:
            rest.append(claim)
    return [claim for claims in waiting.values() for claim in claims], rest


def _about(one: Claim, other: Claim) -> bool:
    """The later claim is about what the earlier was about, or about a part of it, and is of a weaker kind."""
    if _STRENGTH[other["op"]] >= _STRENGTH[one["op"]]:
        return bool(set(one["sides"]) & set(other["sides"])) and one["op"] != other["op"] and one["literal"] and other["literal"]
    return bool(set(other["sides"]) & {*one["sides"], *one["parts"]})


def _is_looser(one: Claim, other: Claim) -> bool:
    if one["op"] != other["op"]:
        return _STRENGTH[other["op"]] < _STRENGTH[one["op"]]
    if one["op"] == "raises":
        broader = bool(_ANY & set(other["errors"])) and not _ANY & set(one["errors"])
        return broader or set(one["errors"]) < set(other["errors"]) or (one["narrowed"] and not other["narrowed"])
    if one["op"] in ("called_with", "called_once_with"):
        return bool(one["expected"] and not other["expected"])
    return _tolerates_more(one, other)


def _tolerates_more(one: Claim, other: Claim) -> bool:
    """A wider tolerance, or a bound that is further away."""
    before, after = one.get("tolerance", {}), other.get("tolerance", {})
    if before != after:
        return any(after[word] > before.get(word, after[word] - 1) for word in after)
    if "bound" not in one or "bound" not in other or one["bound"] == other["bound"]:
        return False
    return bool((other["bound"] > one["bound"]) == (one["op"] in _UPPER))


def _is_edited(one: Claim, other: Claim) -> bool:
    if one["op"] == "raises":
        return bool(one["errors"] != other["errors"] and one["errors"] and other["errors"])
    return bool(one["literal"] and other["literal"] and one["expected"] != other["expected"])


def gained(old: Mapping[str, Any], new: Mapping[str, Any], checks: Mapping[str, int]) -> int:
    """What the calls of a test assert that it did not make before: as much as those functions do, or much where nobody can tell."""
    more = Counter(new["calls"]) - Counter(old["calls"])
    inside = sum(count * checks.get(name, _MUCH if _seems_to_check(name) else 0) for name, count in more.items())
    helpers = Counter(claim["helper"] for claim in new["claims"]) - Counter(claim["helper"] for claim in old["claims"])
    return inside + sum(count * max(checks.get(name, _MUCH) - 1, 0) for name, count in helpers.items() if name)


def _seems_to_check(name: str) -> bool:
    """Whether a function that is defined elsewhere asserts something, by its name."""
    return name.lower().lstrip("_").startswith(("assert", "check", "verify", "expect", "ensure"))


def weaker(lost: list[Claim], new: list[Claim]) -> bool:
    """Whether strict claims went, and only vague ones came for them."""
    strict = sum(_STRENGTH[claim["op"]] >= _STRICT for claim in lost)
    return strict > 0 and bool(new) and all(_STRENGTH[claim["op"]] <= _VAGUE for claim in new)
