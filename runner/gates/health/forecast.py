"""When a quantity that shrinks will be used up: a slope that outliers cannot move, and how sure it is."""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

LEAST_POINTS = 10
MOST_POINTS = 120
_Z95 = 1.959963984540054


class Slope(NamedTuple):
    """Per second: the median, and the bounds that hold the true slope with 95%; `level` is the fitted value at the last point."""

    median: float
    low: float
    high: float
    level: float


def slope(points: Sequence[tuple[float, float]], *, span: float) -> Slope | None:
    """The Theil-Sen slope of (seconds, value); `None` for fewer than 10 points or less than `span` seconds between first and last.

    Bounds by Kendall's variance without ties: Sen, Estimates of the Regression Coefficient Based on Kendall's Tau, JASA 63 (1968).
    """
    points = _thinned(points)
    if len(points) < LEAST_POINTS or points[-1][0] - points[0][0] < span:
        return None
    slopes = sorted((later[1] - first[1]) / (later[0] - first[0]) for first, later in combinations(points, 2) if later[0] > first[0])
    if not slopes:
        return None
    count, pairs = len(points), len(slopes)
    spread = _Z95 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(0, math.floor((pairs - spread) / 2) - 1)]
    high = slopes[min(pairs - 1, math.ceil((pairs + spread) / 2))]
    middle = median(slopes)
    end = points[-1][0]
    return Slope(middle, low, high, median(value + middle * (end - at) for at, value in points))


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Every n-th point, so that the pairs stay few."""
    step = math.ceil(len(points) / MOST_POINTS) if points else 1
    return points[::-1][::step][::-1]


def reaches(found: Slope, limit: float) -> float | None:
    """Seconds until the quantity falls to `limit` by the median slope; `None` when it does not fall."""
    if found.level <= limit:
        return 0.0
    return (found.level - limit) / -found.median if found.median < 0 else None


def surely_reaches(found: Slope, limit: float, horizon: float) -> bool:
    """Whether even the slowest fall within the bounds crosses `limit` before `horizon` seconds have passed."""
    return found.high < 0 and found.level + found.high * horizon < limit
