"""Names of new dependencies that could be taken for another's: equal but for separators and letters that look alike, or nearly equal."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("names")
_SHORTEST = 5
"""Shorter names have too many honest neighbours."""
_AFFIX = re.compile(r"^(python|py|node|js|go)[-_.]?|[-_.]?(python|py|node|js|lib|dev|official|[0-9])$")


class Likeness(NamedTuple):
    """The name that another looks like; `exact` when only separators and look-alike letters tell them apart."""

    name: str
    exact: bool


def like(name: str, ecosystem: str, own: Iterable[str]) -> Likeness | None:
    """The well-known name, or the project's own, that a new name could be taken for; `None` for one that is known itself."""
    known = known_names(ecosystem) | frozenset(own)
    if name in known or ecosystem not in ("python", "npm"):
        return None
    same = skeleton(name)
    for other in sorted(known):
        if skeleton(other) == same:
            return Likeness(other, exact=True)
    bare = name.rpartition("/")[2]
    if len(bare) < _SHORTEST:
        return None
    for other in sorted(known):
        if len(other) >= _SHORTEST and ((abs(len(other) - len(bare)) <= 1 and is_near(bare, other)) or _blurred(bare) == _blurred(other)):
            return Likeness(other, exact=False)
    stem = _AFFIX.sub("", bare)
    if stem != bare and len(stem) >= _SHORTEST and stem in known:
        return Likeness(stem, exact=False)
    return None


@cache
def known_names(ecosystem: str) -> frozenset[str]:
    """The shipped names of an ecosystem; none for one without a list."""
    file = _FOLDER / {"python": "pypi.txt", "npm": "npm.txt"}.get(ecosystem, "none")
    if not file.exists():
        return frozenset()
    return frozenset(word for line in file.read_text("utf-8").splitlines() if not line.startswith("#") for word in line.split())


@cache
def skeleton(name: str) -> str:
    """What stays of a name without what the eye passes over, as the Python Package Index compares names that it refuses."""
    return re.sub(r"[-_.]", "", name.lower()).translate(_ALIKE)


_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l"})
"""Letters that the Python Package Index takes for one; names that are not ASCII are no names there, nor on npm."""


@cache
def _blurred(name: str) -> str:
    """A name as one reads it in a hurry."""
    return skeleton(name).replace("rn", "m").replace("vv", "w").translate(str.maketrans("53", "se"))


def is_near(one: str, other: str) -> bool:
    """Whether a single letter more, less, changed, or swapped with its neighbour tells two names apart."""
    if one == other:
        return False
    if len(one) > len(other):
        one, other = other, one
    at = next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    return one[at + 1 :] == other[at + 1 :] or (one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :])
