"""The sliding log: how many runs a window holds, and when it has room again."""

from collections.abc import Sequence
from typing import NamedTuple

from runner.gates.rate.options import Limit
from runner.ports import FALSE_FUTURE


class Use(NamedTuple):
    """How full the window of a limit is."""

    used: int
    wait: float
    """Seconds until there is room, if nobody else comes; 0 when there is."""


def use_of(limit: Limit, times: Sequence[float], now: float) -> Use:
    """The use of a limit at `now`: what was admitted in (now - per, now] counts.

    So does what lies up to an hour ahead, after the clock was set back.
    `times` are all admissions of the key that may count, in any order. There is room once fewer than `limit` of them are left.
    """
    counted = sorted(at for at in times if now - limit.per < at <= now + FALSE_FUTURE)
    if len(counted) < limit.limit:
        return Use(len(counted), 0.0)
    return Use(len(counted), max(counted[len(counted) - limit.limit] + limit.per - now, 0.001))
