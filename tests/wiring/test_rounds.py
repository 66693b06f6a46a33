"""What a process does again and again: nothing that breaks ends it, and nothing that hangs keeps the process from its end."""

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from runner.errors import StoreUnavailable, Terminated
from runner.wiring.rounds import rounds, until_asked_to_end

Turn = Callable[[], object]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.wiring.rounds.TICK", 0.01)
    monkeypatch.setattr("runner.wiring.rounds._FAREWELL", 0.1)


def turns(*problems: Exception | None) -> tuple[Turn, threading.Event]:
    """A turn that breaks so one time after the other, and what is set once it has done all that."""
    left, over = iter(problems), threading.Event()

    def turn() -> None:
        try:
            problem = next(left)
        except StopIteration:
            over.set()
            return
        if problem:
            raise problem

    return turn, over


def test_whatever_breaks_the_next_turn_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    turn, over = turns(KeyError("once"), None, KeyError("twice"))
    with rounds(turn, pytest.fail):
        assert over.wait(10)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["runs could not be looked after"] * 2


def test_an_outage_of_the_record_is_said_once_however_long_it_lasts() -> None:
    said: list[str] = []
    turn, over = turns(StoreUnavailable("gone"), StoreUnavailable("gone"), None, StoreUnavailable("gone again"))
    with rounds(turn, said.append):
        assert over.wait(10)
    assert said == ["the record cannot be used at this moment: gone", "the record cannot be used at this moment: gone again"]


@pytest.fixture
def asked() -> Iterator[Callable[[], None]]:
    """A thread that hears requests to stop can be asked to."""

    def stop(number: int, _: object) -> None:
        raise Terminated(number)

    before = signal.signal(signal.SIGUSR1, stop)

    def ask() -> None:
        time.sleep(0.3)  # until the first thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    yield ask
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.timeout(60)
def test_a_request_to_stop_that_another_thread_takes_is_heard(asked: Callable[[], None]) -> None:
    once = threading.Event()

    def turn() -> None:
        if not once.is_set():
            once.set()
            asked()

    with pytest.raises(Terminated), rounds(turn, pytest.fail):
        until_asked_to_end()


def test_a_request_to_stop_breaks_off_no_turn_and_waits_for_none_that_hangs(
    asked: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    goes_on, broken = threading.Event(), list[BaseException]()

    def hangs() -> None:
        asked()
        try:
            goes_on.wait(60)
        except BaseException as problem:
            broken.append(problem)
            raise
        raise KeyError("since this process has ended meanwhile")

    with pytest.raises(Terminated), rounds(hangs, pytest.fail):
        until_asked_to_end()
    assert not goes_on.is_set()
    goes_on.set()
    until = time.monotonic() + 10
    while any(thread.name == "seatrial-keeper" for thread in threading.enumerate()):
        assert time.monotonic() < until, "it takes no turn after that"
        time.sleep(0.01)
    assert broken == []
    assert not caplog.records
