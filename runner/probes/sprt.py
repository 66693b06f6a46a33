"""The sequential test of one probe: how often it fails tells healthy from broken, whenever one looks."""

import math
from typing import NamedTuple


class Sprt(NamedTuple):
    """Wald's sequential probability ratio test, from its answer on a CUSUM.

    The score starts at 0. A failure adds ln(p_broken / p_healthy), a pass ln((1 - p_broken) / (1 - p_healthy)), which is negative; no data
    adds nothing. At ln((1 - beta) / alpha) and above it is broken, at ln(beta / (1 - alpha)) it is healthy, and there the score is held:
    it never sinks deeper, so that old passes do not excuse new failures.

    Until the first answer alpha and beta bound the errors. Held at the bound it is a CUSUM, which raises a false alarm sooner or later: what
    counts is how many within one watch. By the defaults (1 % and 20 %, alpha 0.1 %, beta 1 %, 3 failures in a row), of watches over one
    healthy probe of which 1 % of the readings fail by chance, 0.03 % end in a false alarm within 30 readings, 0.08 % within 300 and 0.6 %
    within 3600, simulated by `python bench/probes.py`. Probes that fail in all, half or a fifth of their readings, and were healthy before, are
    found at the 3rd, 8th and 24th reading (median); of those that fail in 5 %, a third are found within 300.
    """

    p_healthy: float
    """The share of readings that fail by chance while all is well."""
    p_broken: float
    """The share of readings that fail when something is wrong."""
    alpha: float
    """The chance to call a healthy probe broken."""
    beta: float
    """The chance to call a broken probe healthy."""

    @property
    def failure(self) -> float:
        """What a failure adds."""
        return math.log(self.p_broken / self.p_healthy)

    @property
    def success(self) -> float:
        """What a pass adds; negative."""
        return math.log((1 - self.p_broken) / (1 - self.p_healthy))

    @property
    def broken(self) -> float:
        """The score from which it is broken."""
        return math.log((1 - self.beta) / self.alpha)

    @property
    def healthy(self) -> float:
        """The score at which it is healthy, and below which it never sinks."""
        return math.log(self.beta / (1 - self.alpha))

    def step(self, score: float, *, failed: bool) -> float:
        """The score after one more reading."""
        return max(self.healthy, score + (self.failure if failed else self.success))

    @property
    def passes(self) -> int:
        """Passes in a row from the start until it is healthy."""
        return self._until(failed=False)

    @property
    def failures(self) -> int:
        """Failures in a row from the start until it is broken."""
        return self._until(failed=True)

    def _until(self, *, failed: bool) -> int:
        """By steps, as the fold takes them, since a quotient may round to another number."""
        bound, step = (self.broken, self.failure) if failed else (self.healthy, self.success)
        count = max(1, math.floor(bound / step) - 1)
        score = count * step
        while abs(score) < abs(bound):
            count, score = count + 1, score + step
        return count
