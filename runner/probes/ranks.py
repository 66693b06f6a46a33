"""Whether one lot of measurements is larger than another, by their ranks alone (Mann and Whitney, Wilcoxon)."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import groupby


def chance_of(larger: Sequence[float], smaller: Sequence[float]) -> float:
    """The chance to see `larger` rank so high if both were alike; one-sided, by the normal approximation, corrected for ties and continuity.

    Samples without a difference, and empty ones, give 1.
    """
    n, m = len(larger), len(smaller)
    everything = [*larger, *smaller]
    total, ties = n + m, sum(count**3 - count for count in Counter(everything).values())
    if not n or not m or total < 2 or ties == total**3 - total:  # noqa: PLR2004  one value alone has no rank
        return 1.0
    ranks = _ranks(everything)
    above = sum(ranks[value] for value in larger) - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    return _tail((above - n * m / 2 - 0.5) / spread)


def smallest_chance(n: int, m: int) -> float:
    """The smallest value that `chance_of` gives for that many measurements."""
    return chance_of([float(value) for value in range(m, n + m)], [float(value) for value in range(m)])


def median(values: Sequence[float]) -> float:
    """The middle value; 0 where there is none."""
    ordered = sorted(values)
    count = len(ordered)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2 if count else 0.0


def _ranks(values: Sequence[float]) -> dict[float, float]:
    """The rank of each value from 1; equal values share the mean of theirs."""
    ranks, before = {}, 0
    for value, same in groupby(sorted(values)):
        count = len(list(same))
        ranks[value] = before + (count + 1) / 2
        before += count
    return ranks


def _tail(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2
