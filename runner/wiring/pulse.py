"""Whether anything has happened, asked once for all who listen."""

import time
from threading import Lock
from typing import Final

from runner.store.events import SqlEvents

_LOOK: Final = 0.2
"""Seconds for which an answer is good."""


class Pulse:
    """The number of the newest event, a moment old at most; any thread may ask. Raises StoreUnavailable as `SqlEvents` does."""

    def __init__(self, events: SqlEvents) -> None:
        self._events = events
        self._lock = Lock()
        self._known = 0, 0.0

    def newest(self) -> int:
        """The number; 0 where nothing has happened."""
        with self._lock:
            found, until = self._known
            if time.monotonic() >= until:
                found = self._events.bounds()[1]
                self._known = found, time.monotonic() + _LOOK
            return found
