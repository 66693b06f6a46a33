"""How likely a breaker opens by chance: exact binomials over failures that have nothing to do with one another."""

import math

from runner.gates.breaker.options import Breaker


def by_rate(breaker: Breaker, failing: float) -> float:
    """The probability that a full window (of a time window: one of `minimum_calls`) has as many failures as open it.

    `failing` is the share of runs that fail honestly. P(X >= k) for X of Binomial(n, failing), k the least number with k/n >= failure_rate.
    """
    if not breaker.failure_rate:
        return 0.0
    window = breaker.advanced.window
    size = window if isinstance(window, int) else breaker.advanced.minimum_calls
    least = math.ceil(breaker.failure_rate * size - 1e-9)
    return math.fsum(math.comb(size, bad) * failing**bad * (1 - failing) ** (size - bad) for bad in range(least, size + 1))


def in_a_row(breaker: Breaker, failing: float) -> float:
    """The probability that the next `consecutive` runs all fail."""
    return failing**breaker.consecutive if breaker.consecutive else 0.0
