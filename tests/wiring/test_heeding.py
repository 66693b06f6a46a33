"""A check that somebody asked to end ends, and says why."""

import threading
from collections.abc import Iterator

import pytest

from runner.errors import InfrastructureError, StoreUnavailable
from runner.model.result import Decision, Ending, Verdict
from runner.wiring.heeding import heeding, unless_ended
from testing.havens import a_run

DONE = Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed")
WHY = "anne cancelled it: no need"


class Box:
    """A sandbox that can only be ended."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


def says(*words: str) -> Iterator[str]:
    yield from words
    while True:
        yield ""


def test_what_runs_is_ended_and_the_run_says_by_whom() -> None:
    box, words = Box(), iter(says("", WHY))

    def judge() -> None:
        assert box.cancelled.wait(10)
        raise InfrastructureError("the run was cancelled")

    with heeding(box, lambda: next(words)) as said:  # type: ignore[arg-type]
        run = unless_ended(a_run(), judge, said)  # type: ignore[arg-type]
    assert run.decision == Decision(verdict=None, ending=Ending.CANCELLED, reason=WHY)
    assert run.state == "ended"


def test_what_came_to_a_verdict_all_the_same_is_cancelled() -> None:
    box, words = Box(), iter(says(WHY))
    with heeding(box, lambda: next(words)) as said:  # type: ignore[arg-type]
        run = unless_ended(a_run(), lambda: box.cancelled.wait(10) and a_run().with_(decision=DONE), said)  # type: ignore[arg-type,return-value]
    assert run.decision is not None
    assert run.decision.ending is Ending.CANCELLED


def test_a_record_that_cannot_be_asked_ends_nothing() -> None:
    box, asked = Box(), threading.Event()

    def wish() -> str:
        if asked.is_set():
            return WHY
        asked.set()
        raise StoreUnavailable("the disk is full")

    with heeding(box, wish):  # type: ignore[arg-type]
        assert box.cancelled.wait(10), "it is asked again"


def test_what_nobody_asks_to_end_is_as_it_was_judged() -> None:
    box = Box()
    with heeding(box, str) as said:  # type: ignore[arg-type]
        assert unless_ended(a_run(), lambda: a_run().with_(decision=DONE), said).decision == DONE

        def broken() -> None:
            raise InfrastructureError("no engine")

        with pytest.raises(InfrastructureError, match="no engine"):
            unless_ended(a_run(), broken, said)  # type: ignore[arg-type]
    assert not box.cancelled.is_set()
