"""The keys of the policy's section `preflight.rate`, and limits that could never refuse anything."""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from runner.model.units import Duration, show_duration
from runner.model.value import Value

Part = Literal["target", "author", "path"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
SHORTEST: Final = 0.001
"""Seconds of the shortest `per`: the clock that counts tells no less."""
LONGEST: Final = 30 * 86400.0
"""Seconds of the longest `per`; what was admitted is kept as long as that."""
MOST_LIMITS: Final = 20


class Limit(Value):
    """At most so many runs in any stretch of time, counted apart by key."""

    limit: Annotated[int, Field(ge=0, le=10_000)]
    """Runs admitted in any `per`."""
    per: Duration
    """The length of the window, e.g. 1m; it slides, so no stretch of that length ever holds more than `limit`."""
    key: tuple[Part, ...] = ("target",)
    """What is counted apart: target, author, path (the first folder of each changed file); several for each combination."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The key in one order, each part once."""
        return tuple(part for part in PARTS if part in self.key)

    def __str__(self) -> str:
        """`10 per 1m by target`."""
        return f"{self.limit} per {show_duration(self.per)} by {' and '.join(self.parts)}"


Limits = tuple[Limit, ...]
DEFAULT: Final[Limits] = (Limit(limit=10, per=60.0),)


def most_in(limit: Limit, seconds: float) -> int:
    """How many runs `limit` admits at most in a window of so many seconds: a window is covered by ceil(seconds / per) of its own."""
    return limit.limit * math.ceil(seconds / limit.per)


def faults(limits: Limits) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Limits that refuse everything or nothing, by the path below `preflight.rate`."""
    if len(limits) > MOST_LIMITS:
        yield (MOST_LIMITS,), f"{len(limits)} limits; {MOST_LIMITS} are counted at most"
    for index, limit in enumerate(limits):
        for path, what in _faults(limit):
            yield (index, *path), what
        if limit.limit and limit.per > 0 and limit.parts and (why := _dead(index, limits)):
            yield (index, "limit"), why


def _faults(limit: Limit) -> Iterator[tuple[tuple[str, ...], str]]:
    if not limit.limit:
        what = "0 would refuse every run: for no limit write `rate: []`; to stop a target, `seatrial breaker open promotion` or `open host`"
        yield ("limit",), what
    if not limit.per >= SHORTEST:
        yield ("per",), "give at least 1ms"
    elif limit.per > LONGEST:
        yield ("per",), f"found {show_duration(limit.per)}; {show_duration(LONGEST)} is the longest that is counted"
    if not limit.key:
        yield ("key",), f"name one of: {', '.join(PARTS)}"
    elif len(set(limit.key)) < len(limit.key):
        yield ("key",), "a name is given twice; keep one"


def _dead(index: int, limits: Sequence[Limit]) -> str:
    """Why this limit can never refuse: another counts at least what it counts, and leaves room for no more than it allows."""
    mine = limits[index]
    for other, limit in enumerate(limits):
        if other == index or not limit.limit or not limit.per > 0 or not limit.parts or not set(limit.parts) <= set(mine.parts):
            continue
        if most_in(limit, mine.per) <= mine.limit and (other < index or not _same(limit, mine)):
            return f"{mine} beside {limit}: this one can never refuse anything; leave it out"
    return ""


def _same(one: Limit, other: Limit) -> bool:
    return (one.limit, one.per, one.parts) == (other.limit, other.per, other.parts)
