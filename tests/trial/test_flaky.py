"""What a trial adds to what is known of tests that waver, and how it is told."""

import pytest

from runner.model.flaky import Past, Tally
from runner.trial.compare import compare
from runner.trial.flaky import Repeated, seen
from runner.trial.judge import Matter, judge_tests
from runner.trial.sides import Sides
from testing.builders import a_run

GREEN = {"t.py::a": "passed", "t.py::b": "passed"}
RED = {**GREEN, "t.py::a": "failed"}


def test_a_test_that_wavers_on_the_base_counts_once_and_not_again_from_the_cache() -> None:
    base = [a_run(GREEN), a_run(RED), a_run(GREEN)]
    fresh = seen(base, a_run(GREEN), {}, {}, cached=False)
    assert fresh == ({"t.py::a": Tally(3, 1)}, frozenset({"t.py::b"}))
    assert seen(base, a_run(GREEN), {}, {}, cached=True) == ({}, frozenset(GREEN))


def test_failures_that_passed_when_run_again_count_with_the_runs_that_showed_it() -> None:
    answer = seen([a_run(GREEN)], a_run(RED), {"t.py::a": False}, {"t.py::a": Tally(3, 1)}, cached=False)
    assert answer.wavered == {"t.py::a": Tally(4, 2)}


def test_failures_of_a_test_that_the_change_breaks_are_not_counted() -> None:
    answer = seen([a_run(GREEN), a_run(GREEN)], a_run(RED), {"t.py::a": True}, {"t.py::a": Tally(2, 2)}, cached=False)
    assert answer == ({}, frozenset({"t.py::b"}))
    base = [a_run(GREEN), a_run(RED)]
    answer = seen(base, a_run(RED), {"t.py::a": True}, {"t.py::a": Tally(2, 2)}, cached=False)
    assert answer.wavered == {"t.py::a": Tally(2, 1)}, "what it did on the base is its own"


def test_ids_that_are_never_the_same_and_skips_that_come_and_go_are_not_remembered() -> None:
    base = [a_run({"t.py::f[1]": "passed", "t.py::s": "passed"}), a_run({"t.py::f[2]": "passed", "t.py::s": "skipped"})]
    assert seen(base, a_run({"t.py::f[3]": "failed"}), {"t.py::f[3]": False}, {"t.py::f[3]": Tally(2, 0)}, cached=False).wavered == {}


def test_what_is_told_of_a_test_has_its_runs_and_its_past_with_the_day() -> None:
    past = Past(runs=50, failures=4, seen=1796000000.0, base="b" * 40)
    told = Repeated({"a": Tally(3, 1)}, {"a": past, "b": past})
    assert told.told("a") == "run again, it failed 1 of 3 times; known as flaky: 4 of 50 runs failed, last on 2026-11-30"
    assert told.told("b").startswith("known as flaky")
    assert told.told("c") == ""


def test_the_past_stands_beside_the_test_and_in_no_result_that_a_person_approves() -> None:
    base, patched = [a_run(GREEN)], a_run({"t.py::a": "failed", "t.py::b": "failed"})
    comparison = compare(base, patched, steady={"t.py::a": False, "t.py::b": True})
    repeated = Repeated({"t.py::a": Tally(3, 1), "t.py::b": Tally(2, 2)}, {})
    noted = repeated.beside(comparison)
    assert [pair.note for pair in (*noted.flaky, *noted.broken)] == [
        "run again, it failed 1 of 3 times",
        "run again, it failed 2 of 2 times",
    ]
    matters = [Matter(each, frozenset(), Sides((), ()), None) for each in (comparison, noted)]
    assert judge_tests(matters[0]) == judge_tests(matters[1])


@pytest.mark.parametrize(("runs", "failures", "rate"), [(0, 0, 0.5), (3, 1, 0.4), (998, 0, 0.001)])
def test_the_estimated_rate_is_never_none_and_never_all(runs: int, failures: int, rate: float) -> None:
    assert Past(runs=runs, failures=failures, seen=0, base="").rate == pytest.approx(rate)
