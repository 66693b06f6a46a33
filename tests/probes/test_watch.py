"""The loop over real probes: it finds what begins to fail, waits for nobody, and stops when asked."""

import socket
import time
from collections.abc import Callable, Sequence
from threading import Event, Timer
from typing import Any

import pytest

from runner import crashpoints
from runner.errors import StoreUnavailable
from runner.model.run import Course
from runner.probes.baseline import baseline
from runner.probes.decision import NO_PROBES, Ruling, State
from runner.probes.options import Monitor
from runner.probes.probe import Context, Probe
from runner.probes.reading import Reading, failed, no_data, passed
from runner.probes.tcp import TcpProbe
from runner.probes.watch import Watch
from tests.probes.served import OTHER, TREE, Server, a_monitor, says

QUICK = {"interval": "20ms", "timeout": "500ms"}
HOUR = 3600.0


class Watched:
    """A watch and the readings that it told of."""

    def __init__(
        self, options: Monitor, *, remaining: Callable[[], float] = lambda: HOUR, context: Context | None = None, **more: Any
    ) -> None:
        self.asked = Event()
        self.taken: list[Reading] = []
        context = context or Context(started=time.monotonic())
        self.watch = Watch(options, context, asked=self.asked, remaining=remaining, told=self._told, **more)

    def _told(self, reading: Reading, _states: Sequence[State]) -> None:
        self.taken.append(reading)

    def run(self) -> Ruling:
        return self.watch.run()

    def outcomes(self, probe: str) -> list[str]:
        return [reading.outcome for reading in self.taken if reading.probe == probe]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Context], Reading]], None]:
    """Lets a `tcp` probe of a host answer as a test says."""
    said: dict[str, Callable[[Context], Reading]] = {}

    def measure(self: Probe, context: Context) -> Reading:
        return said[self.options.tcp](context)

    monkeypatch.setattr(TcpProbe, "measure", measure)
    return said.__setitem__


def test_a_service_that_is_well_is_confirmed_after_the_time_and_not_before(serving: Callable[..., Server]) -> None:
    server = serving(says('{"status": "ok"}'))
    started = time.monotonic()
    watched = Watched(a_monitor({"http": server.url, "expect": '$.status == "ok"', **QUICK}, confirm_after="700ms", deadline="20s"))
    ruling = watched.run()
    assert ruling.course is Course.CONFIRM
    assert time.monotonic() - started >= 0.7
    assert watched.watch.states[0].passed >= 22


def test_a_service_that_begins_to_fail_is_found_by_the_third_failure(serving: Callable[..., Server]) -> None:
    broken = Event()

    def answer(connection: socket.socket) -> None:
        says("", "500 Oh" if broken.is_set() else "200 OK")(connection)

    server = serving(answer)
    watched = Watched(a_monitor({"name": "web", "http": server.url, **QUICK}, confirm_after="20s", deadline="30s"))
    Timer(0.6, broken.set).start()
    ruling = watched.run()
    assert (ruling.course, ruling.reason) == (Course.TAKE_BACK, "web failed 3 times in a row: status 500; the policy wants 200-299")
    assert watched.outcomes("web")[-4:] == ["pass", "fail", "fail", "fail"]


def test_a_service_that_stops_listening_is_found(serving: Callable[..., Server]) -> None:
    server = serving(says())
    watched = Watched(
        a_monitor({"name": "web", "http": server.url, **QUICK}, {"name": "port", "tcp": server.at, **QUICK}, confirm_after="20s")
    )
    Timer(0.3, server.close).start()
    assert watched.run().course is Course.TAKE_BACK


def test_old_code_that_answers_well_is_never_confirmed(serving: Callable[..., Server]) -> None:
    server = serving(says(f'{{"tree": "{OTHER}"}}'))
    monitor = a_monitor({"http": server.url, "tree": "$.tree", "tree_within": "400ms", **QUICK}, confirm_after="100ms", deadline="20s")
    watched = Watched(monitor, context=Context(tree=TREE, started=time.monotonic()))
    ruling = watched.run()
    assert (ruling.course, OTHER in ruling.reason) == (Course.TAKE_BACK, True)
    assert watched.taken[0].outcome == "no_data"


def test_a_probe_that_hangs_delays_no_other_and_is_never_asked_twice_at_once(answers: Callable[..., None]) -> None:
    at_once: list[int] = []
    inside = 0

    def hangs(_: Context) -> Reading:
        nonlocal inside
        inside += 1
        at_once.append(inside)
        time.sleep(1.2)
        inside -= 1
        return passed("late")

    answers("slow:1", hangs)
    answers("quick:1", lambda _: passed("well"))
    slow = {"tcp": "slow:1", "interval": "20ms", "timeout": "100ms"}
    watched = Watched(a_monitor(slow, {"tcp": "quick:1", **QUICK}, confirm_after="500ms", deadline="1.5s"))
    ruling = watched.run()
    assert ruling.course is Course.UNDECIDED
    assert len(watched.outcomes("tcp quick:1")) > 25
    assert set(watched.outcomes("tcp slow:1")) == {"no_data"}
    assert max(at_once) == 1


def test_missed_readings_are_not_made_up_for(answers: Callable[..., None]) -> None:
    pauses = iter([0.8])

    def slow_at_first(_: Context) -> Reading:
        time.sleep(next(pauses, 0.0))
        return passed("well")

    answers("a:1", slow_at_first)
    watched = Watched(a_monitor({"tcp": "a:1", "interval": "100ms"}, confirm_after="10s", deadline="1.2s"))
    assert watched.run().course is Course.UNDECIDED
    assert 2 <= len(watched.taken) <= 6, "eight were due while the first was taken"


def test_readings_keep_to_their_interval(answers: Callable[..., None]) -> None:
    answers("a:1", lambda _: passed("well"))
    watched = Watched(a_monitor({"tcp": "a:1", "interval": "100ms"}, confirm_after="10s", deadline="1s"))
    watched.run()
    assert len(watched.taken) <= 11
    assert [reading.at for reading in watched.taken] == sorted(reading.at for reading in watched.taken)


def test_the_first_reading_waits_for_the_delay(answers: Callable[..., None]) -> None:
    answers("a:1", lambda _: passed("well"))
    watched = Watched(a_monitor({"tcp": "a:1", **QUICK}, confirm_after="500ms", deadline="20s", advanced={"initial_delay": "300ms"}))
    assert watched.run().course is Course.CONFIRM
    assert watched.taken[0].at >= 0.3


@pytest.mark.parametrize("probes", [[], [{"tcp": "a:1", **QUICK}]])
def test_it_stops_at_once_when_asked(answers: Callable[..., None], probes: list[dict[str, Any]]) -> None:
    answers("a:1", lambda _: no_data("dark"))
    watched = Watched(a_monitor(*probes))
    Timer(0.2, watched.asked.set).start()
    started = time.monotonic()
    ruling = watched.run()
    assert ruling.course is None
    assert time.monotonic() - started < 2
    assert ruling.reason == NO_PROBES or "no data" in ruling.reason


def test_a_command_in_flight_is_ended_when_the_watch_is_over() -> None:
    watched = Watched(a_monitor({"command": ["sleep", "60"], "timeout": "20s"}))
    Timer(0.3, watched.asked.set).start()
    started = time.monotonic()
    watched.run()
    assert time.monotonic() - started < 3
    assert watched.watch.context.cancelled.is_set()


def test_nothing_but_a_person_confirms_without_probes() -> None:
    ruling = Watched(a_monitor(confirm_after="100ms", deadline="300ms")).run()
    assert (ruling.course, NO_PROBES in ruling.reason) == (Course.UNDECIDED, True)


def test_a_clock_that_jumps_ahead_leaves_it_undecided(answers: Callable[..., None]) -> None:
    answers("a:1", lambda _: passed("well"))
    jumped = time.monotonic() + 0.4
    watched = Watched(
        a_monitor({"tcp": "a:1", **QUICK}, confirm_after="10s", deadline="60s"),
        remaining=lambda: 60.0 if time.monotonic() < jumped else -3540.0,
    )
    started = time.monotonic()
    assert watched.run().course is Course.UNDECIDED
    assert time.monotonic() - started < 5


def test_a_clock_that_is_set_back_keeps_nobody_waiting(answers: Callable[..., None]) -> None:
    answers("a:1", lambda _: no_data("dark"))
    assert (
        Watched(a_monitor({"tcp": "a:1", **QUICK}, confirm_after="100ms", deadline="500ms"), remaining=lambda: HOUR).run().course
        is Course.UNDECIDED
    )


def test_a_deadline_that_has_passed_confirms_nothing_however_healthy_it_was() -> None:
    options = a_monitor({"tcp": "a:1"}, confirm_after="1s")
    healthy = State(probe="tcp a:1", score=options.advanced.test.healthy, last=passed("well").stamped("tcp a:1", 20.0), passed=22)
    context = Context(started=time.monotonic() - 20)
    assert Watched(options, context=context, remaining=lambda: 0.0, states=(healthy,)).run().course is Course.UNDECIDED
    assert Watched(options, context=context, states=(healthy,)).run().course is Course.CONFIRM


def test_while_the_durable_deadline_cannot_be_asked_for_its_last_answer_holds(answers: Callable[..., None]) -> None:
    answers("a:1", lambda _: no_data("dark"))
    told = iter([1.4])

    def remaining() -> float:
        for seconds in told:
            return seconds
        raise StoreUnavailable("gone")

    started = time.monotonic()
    assert Watched(a_monitor({"tcp": "a:1", **QUICK}), remaining=remaining).run().course is Course.UNDECIDED
    assert 1.4 <= time.monotonic() - started < 5


def test_a_watch_that_is_carried_on_knows_what_was_before(answers: Callable[..., None]) -> None:
    answers("a:1", lambda _: failed("ill"))
    options = a_monitor({"tcp": "a:1", **QUICK})
    state = State(probe="tcp a:1", failures=2, failed=2, last=failed("ill").stamped("tcp a:1", 1.0))
    watched = Watched(options, states=(state, State(probe="gone")))
    assert watched.run().course is Course.TAKE_BACK
    assert len(watched.taken) == 1


def test_a_suite_is_asked_until_it_answers_and_then_no_more() -> None:
    said = iter([no_data("no engine"), passed("well"), failed("asked too often")])
    options = a_monitor({"suite": True, "interval": "20ms"}, confirm_after="600ms", deadline="260s")
    context = Context(started=time.monotonic(), suite=lambda: next(said))
    watched = Watched(options, context=context)
    assert watched.run().course is Course.CONFIRM
    assert watched.outcomes("suite") == ["no_data", "pass"]


def test_what_cannot_be_told_ends_the_watch(answers: Callable[..., None]) -> None:
    def full(_reading: Reading, _states: Sequence[State]) -> None:
        raise StoreUnavailable("disk full")

    answers("a:1", lambda _: passed("well"))
    context = Context(started=time.monotonic())
    watch = Watch(a_monitor({"tcp": "a:1", **QUICK}), context, asked=Event(), remaining=lambda: HOUR, told=full)
    with pytest.raises(StoreUnavailable):
        watch.run()
    assert context.cancelled.is_set()


@pytest.fixture
def passed_markers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(crashpoints, "hook", seen.append)
    return seen


def test_its_markers_come_in_their_order(answers: Callable[..., None], passed_markers: list[str]) -> None:
    answers("a:1", lambda _: failed("ill"))
    Watched(a_monitor({"tcp": "a:1", **QUICK})).run()
    assert passed_markers == ["monitor.reading.taken", "monitor.reading.kept"] * 3 + ["monitor.judged"]


def test_times_before_the_promotion_are_taken_of_whatever_tree_answers(serving: Callable[..., Server]) -> None:
    def slowly(connection: socket.socket) -> None:
        time.sleep(0.02)
        says(f'{{"tree": "{OTHER}"}}')(connection)

    server = serving(slowly)
    probes = ({"name": "web", "http": server.url, "tree": "$.tree", **QUICK}, {"name": "true", "command": ["true"]})
    options = a_monitor(*probes, advanced={"latency": {"max_regression": "25%", "min_samples": 10}})
    times = baseline(options, Context(tree=TREE, started=time.monotonic() - 60), Event())
    assert set(times) == {"web"}
    assert len(times["web"]) == 10
    assert min(times["web"]) >= 0.02
    assert len(server.requests) == 10
    assert baseline(a_monitor(*probes), Context(), Event()) == {}
    assert len(server.requests) == 10, "what is not compared is not measured"


def test_times_of_a_service_that_is_down_are_none_and_keep_nobody_waiting(closed_port: int) -> None:
    options = a_monitor({"tcp": f"127.0.0.1:{closed_port}", **QUICK}, advanced={"latency": {"max_regression": "25%"}})
    assert baseline(options, Context(), Event()) == {f"tcp 127.0.0.1:{closed_port}": ()}
    stop = Event()
    stop.set()
    started = time.monotonic()
    assert baseline(
        a_monitor({"tcp": f"127.0.0.1:{closed_port}", "interval": "30s"}, advanced={"latency": {"max_regression": "25%"}}), Context(), stop
    )
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(("after", "course"), [(0.0, Course.CONFIRM), (0.03, Course.TAKE_BACK)])
def test_a_service_that_became_slower_is_taken_back(serving: Callable[..., Server], after: float, course: Course) -> None:
    pause = 0.005

    def answer(connection: socket.socket) -> None:
        time.sleep(pause)
        says()(connection)

    server = serving(answer)
    latency = {"latency": {"max_regression": "200%", "min_samples": 10}}
    options = a_monitor({"name": "web", "http": server.url, **QUICK}, confirm_after="300ms", deadline="20s", advanced=latency)
    before = baseline(options, Context(), Event())
    pause += after
    ruling = Watched(options, before=before).run()
    assert ruling.course is course
    assert course is Course.CONFIRM or "slower" in ruling.reason
