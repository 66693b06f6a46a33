"""Tells whoever listens to the events of a run what it is at, as whoever works on it says."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runner.errors import StoreUnavailable
from runner.ports import Progress
from runner.store.events import DOING, SqlEvents
from runner.store.places import Places
from runner.wiring.voice import Named

log = logging.getLogger(__name__)


class Telling(Named):
    """Says what happens to a run in the log of this process, and its stages as events; of the parts of one stage only that it began."""

    def __init__(self, run: str, progress: Progress, events: SqlEvents) -> None:
        super().__init__(run, progress)
        self._events = events
        self._last = ""

    def stage(self, name: str) -> None:
        """A stage of it began."""
        super().stage(name)
        whole = name.partition(":")[0]
        if whole == self._last:
            return
        self._last = whole
        try:
            self._events.tell(DOING, self._run, {"stage": whole})
        except StoreUnavailable as problem:  # a word for whoever watches: the run does without
            log.info("what run %s is at could not be told: %s", self._run, problem)


@contextmanager
def telling(where: Places, progress: Progress) -> Iterator[Callable[[str], Progress]]:
    """While the block lasts: where to say what happens to a run that a server was asked for."""
    events = SqlEvents(where.state)
    try:
        yield lambda run: Telling(run, progress, events)
    finally:
        events.close()
