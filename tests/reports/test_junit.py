"""JUnit XML."""

from collections.abc import Callable

import junitparser
import pytest

from runner.model.result import Cause, Decision, Outcome, Result, Verdict
from runner.model.run import Run
from runner.reports.junit import render
from runner.reports.report import build
from testing.readers import check_junit
from testing.reports import SAMPLES, sample

Make = Callable[..., Run]


def cases(text: str, suite: int = 0) -> dict[str, tuple[str, str] | None]:
    """By name: the kind of what was said against the case, and its type."""
    check_junit(text)
    found = list(junitparser.JUnitXml.fromstring(text.encode()))[suite]
    return {case.name: (type(case.result[0]).__name__.lower(), case.result[0].type) if case.result else None for case in found}


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_valid_and_its_totals_are_true(name: str) -> None:
    text = render(sample(name))
    check_junit(text)
    read = junitparser.JUnitXml.fromstring(text.encode())
    told = (read.tests, read.failures, read.errors)
    read.update_statistics()
    assert told == (read.tests, read.failures, read.errors)


@pytest.mark.parametrize(
    ("outcome", "cause", "kind"),
    [
        (Outcome.PASS, None, None),
        (Outcome.WARN, None, None),
        (Outcome.FAIL, None, ("failure", "fail")),
        (Outcome.HOLD, None, ("failure", "hold")),
        (Outcome.UNKNOWN, Cause.EVIDENCE, ("error", "evidence")),
        (Outcome.UNKNOWN, Cause.INFRASTRUCTURE, ("error", "infrastructure")),
        (Outcome.REFUSE, None, ("error", "refuse")),
    ],
)
def test_each_outcome_of_a_check_has_its_kind(run_of: Make, outcome: Outcome, cause: Cause | None, kind: tuple[str, str] | None) -> None:
    result = Result(check="x", outcome=outcome, cause=cause, reason="because")
    assert cases(render(build(run_of(results=(result,)))))["x"] == kind


def test_tests_of_the_base_that_broke_or_vanished_fail_in_a_suite_of_their_own() -> None:
    assert cases(render(sample("reject")), 1) == {
        "tests/test_quay.py::test_an_exact_fit_is_a_fit": ("failure", "broken"),
        "tests/test_quay.py::test_wide[a|b]": ("failure", "missing"),
    }
    assert cases(render(sample("accept")), 1) == {"tests/test_quay.py::test_old": None}


def test_a_run_is_never_green_unless_it_was_accepted(run_of: Make) -> None:
    silent = Decision(verdict=Verdict.HOLD, ending=None, reason="no answer from: load")
    assert cases(render(build(run_of(results=(), tests=None, decision=silent)))) == {"verdict": ("failure", "held")}
    assert cases(render(sample("cancelled"))) == {"verdict": ("error", "cancelled")}
    assert cases(render(build(run_of("accepted", results=())))) == {"verdict": None}


def test_times_are_those_of_the_stages_and_of_the_suite() -> None:
    checks, tests = junitparser.JUnitXml.fromstring(render(sample("reject")).encode())
    assert (checks.time, tests.time) == (3.625, 1.5)
    assert {p.name: p.value for p in checks.properties()}["seconds.trial"] == "3.500"
