"""When each test file may have a process of its own."""

import pytest

from runner.model.result import Outcome
from runner.model.suite import SuiteRun, Usage
from runner.trial.isolation import Isolation, isolation, judge
from testing.builders import a_run

GREEN = {"a.py::x": "passed", "b.py::y": "passed"}
FILES = ("a.py", "b.py")


def apart(outcomes: dict[str, str], *, seconds: float = 1.0, ended: bool = True) -> SuiteRun:
    return a_run(outcomes, ended=ended, parts=2, usage=Usage(seconds=seconds))


def test_where_the_base_gives_the_same_each_file_has_a_process() -> None:
    found = isolation((a_run(GREEN),), apart(GREEN), FILES)
    assert found == Isolation(files=FILES)
    assert judge(found, "auto").outcome is Outcome.PASS


@pytest.mark.parametrize("other", [{"a.py::x": "passed"}, {**GREEN, "b.py::y": "failed"}, {**GREEN, "b.py::z": "passed"}])
def test_where_a_test_gives_something_else_there_is_one_process(other: dict[str, str]) -> None:
    found = isolation((a_run(GREEN), a_run(GREEN)), apart(other), FILES)
    assert (found.files, len(found.differing)) == ((), 1)
    assert (judge(found, "auto").outcome, judge(found, "per-file").outcome) == (Outcome.WARN, Outcome.UNKNOWN)


def test_what_wavers_in_one_process_says_nothing_about_isolation() -> None:
    wavering = (a_run(GREEN), a_run({**GREEN, "b.py::y": "failed"}))
    assert isolation(wavering, apart({**GREEN, "b.py::y": "failed"}), FILES).files == FILES
    renamed = (a_run({"a.py::x[1]": "passed"}), a_run({"a.py::x[2]": "passed"}))
    assert isolation(renamed, apart({"a.py::x[3]": "passed"}), FILES).files == FILES


@pytest.mark.parametrize(("seconds", "reached"), [(6.9, True), (7.1, False)])
def test_it_may_cost_six_seconds(seconds: float, *, reached: bool) -> None:
    assert bool(isolation((a_run(GREEN),), apart(GREEN, seconds=seconds), FILES).files) is reached


@pytest.mark.parametrize(("seconds", "reached"), [(19.0, True), (21.0, False)])
def test_or_twice_the_time(seconds: float, *, reached: bool) -> None:
    slow = a_run(GREEN, usage=Usage(seconds=10.0))
    assert bool(isolation((slow,), apart(GREEN, seconds=seconds), FILES).files) is reached


def test_an_incomplete_run_apart_is_no_ground_to_stand_on() -> None:
    found = isolation((a_run(GREEN),), apart(GREEN, ended=False), FILES)
    assert (found.files, "no complete report" in found.why) == ((), True)


def test_where_it_was_not_asked_for_the_answer_says_so() -> None:
    assert "share one process" in judge(Isolation(), "in-process").reason
