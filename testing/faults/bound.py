"""What trials say about the next one."""

from math import comb


def upper_bound(failures: int, trials: int, confidence: float = 0.95) -> float:
    """The largest share of failures that is not ruled out with this confidence (Clopper and Pearson; 1 - 0.05^(1/n) for none)."""
    if failures >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        if sum(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(failures + 1)) > 1 - confidence:
            low = share
        else:
            high = share
    return high
