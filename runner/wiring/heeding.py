"""Ends a check that somebody asked to end, whoever carries it."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from runner.errors import InfrastructureError, StoreUnavailable
from runner.model.result import Decision, Ending
from runner.model.run import Run
from runner.model.text import printable
from runner.ports import Sandbox

_LOOK: Final = 0.5
"""Seconds between two looks at whether somebody asked."""

log = logging.getLogger(__name__)


@contextmanager
def heeding(sandbox: Sandbox, wish: Callable[[], str]) -> Iterator[Callable[[], str]]:
    """While the block lasts, end what runs in the sandbox once `wish` says why; gives what it has said so far."""
    said, ended = [""], threading.Event()

    def listen() -> None:
        while not ended.wait(_LOOK):
            try:
                said[0] = wish()
            except StoreUnavailable as problem:
                log.info("whether somebody asked for an end is not known: %s", problem)
            if said[0]:
                sandbox.cancel()
                return

    listener = threading.Thread(target=listen, name="seatrial-heeding", daemon=True)
    listener.start()
    try:
        yield lambda: said[0]
    finally:
        ended.set()
        listener.join()


def unless_ended(run: Run, judge: Callable[[], Run], said: Callable[[], str]) -> Run:
    """The run once it is judged, or as it ended by what somebody said meanwhile; raises as `judge` does."""
    try:
        run = judge()
    except InfrastructureError:  # so does the sandbox once it is ended
        if not said():
            raise
    reason = said()
    return run.with_(decision=Decision(verdict=None, ending=Ending.CANCELLED, reason=printable(reason))) if reason else run
