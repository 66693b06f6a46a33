"""What a person asks of a run while it is judged: whoever carries it looks for that, and ends what runs in the sandbox."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from runner.errors import InfrastructureError, StoreUnavailable
from runner.model.result import Decision, Ending
from runner.model.run import Run
from runner.model.text import printable
from runner.ports import Sandbox
from runner.store.submissions import SqlSubmissions

_LOOK: Final = 0.5
"""Seconds between two looks at whether somebody asked."""

_AGAIN: Final = 0.3
"""Seconds for which what a person asked for is not asked again."""

log = logging.getLogger(__name__)


class Wish:
    """What a person asked for: in the record, or by stopping this process."""

    def __init__(self, run: str, submissions: SqlSubmissions, stopped: Callable[[], bool]) -> None:
        self._run, self._submissions, self._stopped = run, submissions, stopped
        self._said, self._at = "", float("-inf")

    def __call__(self) -> str:
        """`cancel`, `confirm`, `rollback`, …, or nothing."""
        if self._stopped():
            return "cancel"
        if time.monotonic() - self._at >= _AGAIN:
            self._said, self._at = self._submissions.wished(self._run), time.monotonic()
        return self._said


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
