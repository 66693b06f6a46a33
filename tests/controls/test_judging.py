"""What controls answer, by what came of their tests on both trees: test by test, and never green for want of evidence."""

from types import SimpleNamespace
from typing import Any

import pytest

from runner.controls.checks import coverage, dead_body, mutants, revert, twins
from runner.controls.ids import function_of
from runner.controls.mutants import Mutant
from runner.controls.options import Controls
from runner.controls.recorded import Recording
from runner.model.suite import TestOutcome as O
from runner.model.suite import TestRecord
from testing.builders import a_run

A, B = "tests/test_a.py::test_one", "tests/test_a.py::test_two"
PATHS = {A: "tests/test_a.py", B: "tests/test_a.py"}


SURE = {A: True, B: True}


def subject(**options: Any) -> Any:
    return SimpleNamespace(options=Controls(**options))


@pytest.mark.parametrize(
    ("on_base", "on_patched", "outcome"),
    [
        ({A: O.FAILED, B: O.FAILED}, {A: O.FAILED, B: O.ERROR}, "pass"),
        ({A: O.FAILED, B: O.PASSED}, {A: O.FAILED, B: O.PASSED}, "pass"),  # one that does not bite on the base proves nothing
        ({A: O.PASSED, B: O.PASSED}, {A: O.PASSED, B: O.PASSED}, "unknown"),
        ({}, {A: O.FAILED, B: O.FAILED}, "pass"),  # the base is not asked about what is red
        ({B: O.FAILED}, {A: O.FAILED, B: O.SKIPPED}, "unknown"),
        ({B: O.PASSED}, {A: O.FAILED, B: O.PASSED}, "pass"),
        ({A: O.FAILED, B: O.FAILED}, {A: O.FAILED}, "unknown"),
        ({A: O.FAILED, B: O.FAILED}, {A: O.FAILED, B: O.SKIPPED}, "unknown"),
        ({A: O.FAILED, B: O.FAILED}, {}, "unknown"),
    ],
)
def test_twins_are_compared_one_by_one(on_base: Any, on_patched: Any, outcome: str) -> None:
    told = twins.judge((A, B), [(on_base, on_patched)], PATHS, SURE)
    assert told.outcome == outcome
    assert (told.cause is not None) == (outcome == "unknown")


RED, GREEN = {A: O.FAILED, B: O.FAILED}, {A: O.FAILED, B: O.PASSED}


@pytest.mark.parametrize(
    ("seen", "straight", "outcome"),
    [
        ([(RED, GREEN)] * 3, SURE, "fail"),
        ([(RED, {A: O.FAILED, B: O.XFAILED})] * 3, SURE, "fail"),
        ([(RED, GREEN)] * 3, {A: True, B: False}, "hold"),  # it need not come by the assertion
        ([(RED, GREEN), (RED, GREEN), (RED, RED)], SURE, "hold"),  # it wavers
        ([(RED, GREEN), (RED, GREEN), (GREEN, GREEN)], SURE, "hold"),
        ([(RED, GREEN)], SURE, "hold"),  # never asked again
    ],
)
def test_a_green_twin_is_forged_only_where_it_is_so_each_time(seen: Any, straight: Any, outcome: str) -> None:
    told = twins.judge((A, B), seen, PATHS, straight)
    assert (told.outcome, told.reason.startswith("forged")) == (outcome, outcome == "fail")


@pytest.mark.parametrize(
    ("on_base", "on_patched", "outcome"),
    [
        ({A: O.FAILED, B: O.FAILED}, {A: O.FAILED, B: O.ERROR}, "pass"),
        ({A: O.FAILED, B: O.FAILED}, {A: O.FAILED, B: O.PASSED}, "hold"),
        ({A: O.FAILED, B: O.PASSED}, {A: O.FAILED, B: O.PASSED}, "pass"),
        ({A: O.PASSED, B: O.PASSED}, {A: O.PASSED, B: O.PASSED}, "unknown"),
        ({A: O.FAILED, B: O.FAILED}, {A: O.FAILED}, "unknown"),
    ],
)
def test_dead_bodies_are_compared_one_by_one(on_base: Any, on_patched: Any, outcome: str) -> None:
    assert dead_body.judge((A, B), on_base, on_patched, PATHS).outcome == outcome


@pytest.mark.parametrize(
    ("told", "broken", "outcome", "measured"),
    [
        ({A: "passed", B: "passed"}, False, "warn", 0),
        ({A: "passed", B: "failed"}, False, "pass", 1),
        ({}, True, "pass", 2),  # their file cannot be collected without the change
        ({A: "passed"}, False, "warn", None),  # the other gave no result, whyever
        ({}, False, "warn", None),
    ],
)
def test_new_tests_that_pass_without_the_change_show_nothing(told: Any, broken: bool, outcome: str, measured: int | None) -> None:
    errors = (TestRecord(id="tests/test_a.py", outcome=O.ERROR, path="tests/test_a.py"),) if broken else ()
    answer = revert.judge((A, B), a_run(told).model_copy(update={"collect_errors": errors}), subject())
    assert (answer.outcome, answer.measured) == (outcome, measured)
    assert answer.reason.startswith("unproven") == (measured is None)


def test_uncovered_lines_follow_the_policy_and_stand_by_function() -> None:
    lines = {"a.py": {3: "f", 4: "f", 9: "C.m"}}
    told = Recording(complete=True, has_lines=True, lines={"a.py": (4,)})
    answer = coverage.judge(lines, told, subject())
    assert (answer.outcome, answer.measured, answer.limit) == ("warn", 1, 3)
    assert [(found.line, found.end_line) for found in answer.findings] == [(3, 3), (9, 9)]
    assert coverage.judge(lines, told, subject(uncovered="hold")).outcome == "hold"
    whole = told.model_copy(update={"lines": {"a.py": (3, 4, 9)}})
    assert coverage.judge(lines, whole, subject()).outcome == "pass"
    broken = told.model_copy(update={"complete": False})
    assert [coverage.judge(lines, broken, subject(unproven=follows)).outcome for follows in ("warn", "hold")] == ["warn", "hold"]
    assert coverage.judge({}, told, subject()).outcome == "pass"


def test_mutants_survive_only_where_every_test_was_green() -> None:
    mutant = Mutant(b"", "f", 3, "return a", "return b")
    tried = [mutants.Tried("a.py", mutant, (A, B))]
    for outcomes, outcome in (
        ({A: O.PASSED, B: O.PASSED}, "warn"),
        ({A: O.PASSED, B: O.FAILED}, "pass"),
        ({A: O.PASSED}, "pass"),  # the other gave no result: it may have hung
        ({}, "unknown"),
    ):
        assert mutants.judge(tried, [outcomes], subject()).outcome == outcome
    assert mutants.judge(tried, [{A: O.PASSED, B: O.PASSED}], subject(survivors="hold")).outcome == "hold"


@pytest.mark.parametrize(
    ("test", "function"),
    [
        ("tests/test_a.py::test_one", "test_one"),
        ("tests/test_a.py::TestX::test_one[a::b]", "TestX::test_one"),
        ("tests/test_a.py::TestX::test_one#2", "TestX::test_one"),
        ("tests/test_a.py", ""),
    ],
)
def test_a_test_s_function_stands_in_its_id(test: str, function: str) -> None:
    assert function_of(test) == function
