"""How often one token may ask."""

import time
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from runner.api.problems import Problem

PER_MINUTE: Final = 1200
"""Requests of one token within a minute: 50 clients with one token that each ask every other second are within it."""


class Pace:
    """Counts the requests of each token in this process."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def taken(self, token: str) -> None:
        """Count a request. Raises Problem where there were too many."""
        if not self._window.hit(self._limit, token):
            wait = max(1.0, self._window.get_window_stats(self._limit, token).reset_time - time.time())
            raise Problem(429, "too-many-requests", f"this token asked more than {self._limit.amount} times in a minute", retry_after=wait)
