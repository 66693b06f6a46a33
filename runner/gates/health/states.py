"""How the readings of one signal become its state: breaches that last, and a recovery that lasts, too."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """Which limits a reading breaches, or a signal is held to breach."""

    GOOD = 0
    SOFT = 1
    HARD = 2


class Seen(NamedTuple):
    """A reading at a time in seconds; without a level it could not be had."""

    at: float
    level: Level | None


class Rules(NamedTuple):
    """All in seconds, but `samples`: readings."""

    hold: float
    samples: int
    recover: float
    stale: float


class Standing(NamedTuple):
    """The state of a signal; `None` is unknown. `wait` is how long it must yet stay clear to be good, in seconds."""

    level: Level | None
    wait: float = 0.0


def standing(seen: Sequence[Seen], now: float, rules: Rules) -> Standing:
    """The state after these readings, which are in order, at `now`.

    A limit counts as breached from the reading at which its breaches, none further than `stale` from the next and no other reading between
    them, were `samples` and spanned `hold`; and until `recover` has passed since the last breach.
    """
    if not seen or seen[-1].level is None or now - seen[-1].at > rules.stale:
        return Standing(None)
    for level in (Level.HARD, Level.SOFT):
        left = _left(seen, now, level, rules)
        if left is not None:
            return Standing(level, left)
    return Standing(Level.GOOD)


def _left(seen: Sequence[Seen], now: float, level: Level, rules: Rules) -> float | None:
    """How long the signal stays at `level` if no breach follows; `None` when it is not there."""
    inside = False
    last = began = float("-inf")
    count = 0
    for at, found in seen:
        inside = inside and at - last < rules.recover
        if found is None or found < level:
            count = 0
            continue
        if not count or at - last > rules.stale:
            count, began = 0, at
        count, last = count + 1, at
        inside = inside or (count >= rules.samples and at - began >= rules.hold)
    breaching = count > 0
    if not inside or (not breaching and now - last >= rules.recover):
        return None
    return rules.recover if breaching else rules.recover - (now - last)
