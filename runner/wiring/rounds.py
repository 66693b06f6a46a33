"""What a process does again and again while it lives, whatever breaks in one turn."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from runner.errors import StoreUnavailable

TICK: Final = 1.0
"""Seconds between two turns."""
_FAREWELL: Final = 5.0
"""Seconds to wait at the end for a turn that goes on: it may wait for a database that is gone."""

log = logging.getLogger(__name__)


@contextmanager
def rounds(turn: Callable[[], object], note: Callable[[str], None]) -> Iterator[None]:
    """While the block lasts, take turns in a thread of its own. `note` hears when the record cannot be used, once until it can be again.

    In a thread, since a request to stop breaks off whatever the first one is at: that one had better wait.
    """
    ended = Event()
    thread = Thread(target=_go_round, args=(turn, note, ended), name="seatrial-keeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_FAREWELL)


def until_asked_to_end() -> None:
    """Wait for the exception that a signal makes; not in one wait, which nothing ends where it came just before, or to another thread."""
    while True:
        time.sleep(TICK)


def _go_round(turn: Callable[[], object], note: Callable[[str], None], ended: Event) -> None:
    well = True
    while not ended.is_set():
        try:
            turn()
            well = True
        except StoreUnavailable as problem:
            if well:
                note(f"the record cannot be used at this moment: {problem}")
            well = False
        except Exception:
            if not ended.is_set():
                log.exception("runs could not be looked after")
        ended.wait(TICK)
