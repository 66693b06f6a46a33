"""What readings come to: tables by hand, and properties over every sequence."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.run import Course
from runner.probes.decision import NO_PROBES, Ruling, State, fold, judge, undecided
from runner.probes.options import Monitor, made
from runner.probes.reading import Reading, failed, no_data, passed
from runner.probes.results import results
from tests.probes.served import a_monitor

SIGNS = {".": passed("well"), "x": failed("ill"), "?": no_data("dark")}
TWO = ({"tcp": "a:1"}, {"tcp": "b:2"})


def readings(probe: str, outcomes: str, start: float = 0.0) -> list[Reading]:
    """One a second."""
    return [SIGNS[outcome].stamped(probe, start + at) for at, outcome in enumerate(outcomes, start=1)]


def replayed(options: Monitor, taken: Sequence[Reading], until: float | None = None, **states: State) -> Ruling:
    """The first ruling with a course, looking after every reading and at the end."""
    probes = {probe.name: probe for probe in made(options)}
    known = {name: State(probe=name) for name in probes} | states
    for reading in sorted(taken, key=lambda reading: reading.at):
        known[reading.probe] = fold(known[reading.probe], reading, probes[reading.probe], options)
        ruling = judge(tuple(known.values()), options, 0.0, reading.at)
        if ruling.course is not None:
            return ruling
    return judge(tuple(known.values()), options, 0.0, until if until is not None else max((one.at for one in taken), default=0.0))


def one(outcomes: str, until: float | None = None, **keys: Any) -> Ruling:
    return replayed(a_monitor({"tcp": "a:1"}, **keys), readings("tcp a:1", outcomes), until)


@pytest.mark.parametrize(
    ("outcomes", "until", "course"),
    [
        ("xx", None, None),
        ("xxx", None, Course.TAKE_BACK),
        ("." * 25 + "xx", None, None),
        ("." * 25 + "xxx", None, Course.TAKE_BACK),
        ("x?x??x", None, Course.TAKE_BACK),
        ("xx.xx", None, Course.TAKE_BACK),
        ("." * 25 + "xx.xx.", None, Course.TAKE_BACK),
        ("." * 29, None, None),
        ("." * 30, None, Course.CONFIRM),
        ("." * 22, 29.9, None),
        ("?" * 8 + "." * 21, 30, None),
        ("?" * 8 + "." * 22, None, Course.CONFIRM),
        ("." * 29 + "x" + "." * 14, None, None),
        ("." * 29 + "x" + "." * 15, None, Course.CONFIRM),
        ("." * 25 + "?" * 10, None, None),
        ("." * 25 + "?" * 10 + ".", None, Course.CONFIRM),
        ("." * 25 + "?" * 4 + "?", 30, None),
        ("?" * 299, None, None),
        ("?" * 299, 300, Course.UNDECIDED),
        ("", 299, None),
        ("", 300, Course.UNDECIDED),
        ("." * 22, 300, Course.UNDECIDED),
        ("xx", 300, Course.UNDECIDED),
    ],
)
def test_the_course_is_as_worked_out_by_hand(outcomes: str, until: float | None, course: Course | None) -> None:
    assert one(outcomes, until).course == course


def test_failures_far_apart_are_not_in_a_row() -> None:
    assert one("." * 25 + ("x" + "." * 20) * 4, confirm_after="100s").course is Course.CONFIRM


def test_what_is_healthy_at_the_deadline_was_not_healthy_in_time() -> None:
    options = a_monitor({"tcp": "a:1"}, deadline="40s")
    state = State(probe="tcp a:1", score=options.advanced.test.healthy, last=SIGNS["."].stamped("tcp a:1", 40.0))
    assert judge((state,), options, 0.0, 39.9).course is Course.CONFIRM
    assert judge((state,), options, 0.0, 40.0).course is Course.UNDECIDED
    assert undecided((state,), options).course is Course.UNDECIDED


def test_what_is_broken_at_the_deadline_is_taken_back() -> None:
    broken = State(probe="tcp a:1", broken="failed")
    assert judge((broken,), a_monitor({"tcp": "a:1"}), 0.0, 1e9).course is Course.TAKE_BACK
    assert undecided((broken,), a_monitor({"tcp": "a:1"})).course is Course.TAKE_BACK


def test_readings_that_are_old_confirm_nothing() -> None:
    """A watch that was frozen for a minute looks again before it confirms."""
    ruling = one("." * 25, 90)
    assert (ruling.course, "old" in ruling.reason) == (None, True)


def test_one_broken_probe_is_enough_and_one_healthy_is_not() -> None:
    options = a_monitor(*TWO)
    well = readings("tcp a:1", "." * 60)
    assert replayed(options, well).course is None
    assert replayed(options, [*well, *readings("tcp b:2", "." * 40)]).course is Course.CONFIRM
    ruling = replayed(options, [*well, *readings("tcp b:2", "." * 10 + "xxx")])
    assert (ruling.course, ruling.reason) == (Course.TAKE_BACK, "tcp b:2 failed 3 times in a row: ill")


def test_a_probe_without_a_reading_is_undecided_at_the_deadline() -> None:
    ruling = replayed(a_monitor(*TWO), readings("tcp a:1", "." * 299), 300)
    assert ruling.course is Course.UNDECIDED
    assert "tcp b:2: no reading" in ruling.reason


def test_without_probes_only_a_person_can_confirm() -> None:
    options = a_monitor()
    assert judge((), options, 0.0, 299.0) == Ruling(None, NO_PROBES)
    ruling = judge((), options, 0.0, 300.0)
    assert (ruling.course, NO_PROBES in ruling.reason) == (Course.UNDECIDED, True)


def test_no_data_may_count_as_a_failure() -> None:
    options = a_monitor({"tcp": "a:1", "no_data": "fail"})
    assert replayed(options, readings("tcp a:1", "???")).course is Course.TAKE_BACK


def test_one_answer_of_a_suite_decides() -> None:
    options = a_monitor({"suite": True})
    assert replayed(options, readings("suite", "x")).course is Course.TAKE_BACK
    assert replayed(options, readings("suite", "??."), 250).course is Course.CONFIRM
    assert replayed(options, readings("suite", "??."), 29).course is None
    assert replayed(options, readings("suite", "??"), 300).course is Course.UNDECIDED


def timed(count: int, seconds: float, spread: float = 0.001) -> tuple[float, ...]:
    return tuple(seconds + spread * (number % 7) / 7 for number in range(count))


@pytest.mark.parametrize(
    ("before", "after", "course"),
    [
        (timed(20, 0.010), timed(30, 0.010), Course.CONFIRM),
        (timed(20, 0.010), timed(30, 0.012), Course.CONFIRM),
        (timed(20, 0.010), timed(30, 0.020), Course.TAKE_BACK),
        (timed(20, 0.020), timed(30, 0.010), Course.CONFIRM),
        (timed(19, 0.010), timed(30, 0.020), None),
        ((), timed(30, 0.020), None),
        (timed(20, 0.010), timed(19, 0.020), None),
    ],
)
def test_answers_that_became_slower_are_taken_back_if_that_is_sure(
    before: tuple[float, ...], after: tuple[float, ...], course: Course | None
) -> None:
    options = a_monitor({"tcp": "a:1"}, advanced={"latency": {"max_regression": "25%"}})
    state = State(probe="tcp a:1", before=before)
    for at, seconds in enumerate(after, start=1):
        state = fold(state, passed("well", seconds=seconds).stamped("tcp a:1", float(at + 11)), made(options)[0], options)
    state = state.model_copy(update={"score": options.advanced.test.healthy})
    ruling = judge((state,), options, 0.0, len(after) + 11.0)
    assert ruling.course == course
    assert judge((state,), a_monitor({"tcp": "a:1"}), 0.0, len(after) + 11.0).course is Course.CONFIRM, "by default times are not compared"
    if course is Course.TAKE_BACK:
        assert results((state,), options, ruling)[0].outcome == "fail"


def test_a_state_goes_through_json_and_goes_on() -> None:
    options = a_monitor({"tcp": "a:1"})
    probe, state = made(options)[0], State(probe="tcp a:1")
    for reading in readings("tcp a:1", "..x?.xx"):
        state = fold(state, reading, probe, options)
    again = State.model_validate_json(state.model_dump_json())
    assert again == state
    assert fold(again, readings("tcp a:1", "x", 7)[0], probe, options).broken


def test_results_say_what_is_known_and_count() -> None:
    options = a_monitor({"tcp": "a:1"}, {"tcp": "b:2"}, {"tcp": "c:3"})
    probes = {probe.name: probe for probe in made(options)}
    states = []
    for name, outcomes in (("tcp a:1", "." * 30), ("tcp b:2", "." * 5 + "?xxx"), ("tcp c:3", "???????")):
        state = State(probe=name)
        for reading in readings(name, outcomes):
            state = fold(state, reading, probes[name], options)
        states.append(state)
    answers = results(tuple(states), options, judge(tuple(states), options, 0.0, 30.0))
    assert [(answer.check, answer.outcome, answer.cause) for answer in answers] == [
        ("probe:tcp a:1", "pass", None),
        ("probe:tcp b:2", "fail", None),
        ("probe:tcp c:3", "unknown", "evidence"),
    ]
    assert answers[0].reason == "30 passed, 0 failed"
    assert answers[1].reason == "failed 3 times in a row: ill (5 passed, 3 failed, 1 without data)"
    assert answers[2].reason == "gave no data 7 times in a row: dark"


OUTCOMES = st.text(alphabet="...xx?", max_size=80)
OPTIONS = a_monitor(
    *TWO, confirm_after="10s", deadline="100s", advanced={"p_healthy": "10%", "p_broken": "60%", "beta": "10%", "alpha": "5%"}
)


@given(st.lists(st.sampled_from(["tcp a:1", "tcp b:2"]), max_size=100), st.floats(0, 1000), st.booleans())
def test_readings_without_data_never_confirm(names: list[str], until: float, strict: bool) -> None:
    probes = [{**probe, "no_data": "fail" if strict else "nothing"} for probe in TWO]
    options = a_monitor(*probes, confirm_after="1s", deadline="900s")
    taken = [SIGNS["?"].stamped(name, float(at)) for at, name in enumerate(names)]
    assert replayed(options, taken, until).course is not Course.CONFIRM


@given(OUTCOMES, OUTCOMES, st.floats(0, 120))
def test_the_order_of_probes_does_not_matter(first: str, second: str, until: float) -> None:
    flipped = OPTIONS.model_copy(update={"probes": OPTIONS.probes[::-1]})
    taken = [*readings("tcp a:1", first), *readings("tcp b:2", second, 0.5)]
    one, other = replayed(OPTIONS, taken, until), replayed(flipped, taken, until)
    assert one.course == other.course
    if one.course is Course.TAKE_BACK:
        assert one.reason == other.reason


@given(OUTCOMES, OUTCOMES, st.integers(0, 80), st.floats(80, 120))
def test_one_more_failure_never_turns_taking_back_into_confirming(first: str, second: str, at: int, until: float) -> None:
    taken = [*readings("tcp a:1", first), *readings("tcp b:2", second, 0.5)]
    more = [*taken, SIGNS["x"].stamped("tcp a:1", at + 0.25)]
    if replayed(OPTIONS, taken, until).course is not Course.CONFIRM:
        assert replayed(OPTIONS, more, until).course is not Course.CONFIRM


@given(OUTCOMES, st.floats(0, 300))
def test_nothing_is_confirmed_early_or_late_or_without_passes(outcomes: str, until: float) -> None:
    options = a_monitor({"tcp": "a:1"})
    ruling = replayed(options, readings("tcp a:1", outcomes), until)
    if ruling.course is Course.CONFIRM:
        assert outcomes.count(".") >= 22
        assert len(outcomes) >= 30 or until >= 30
