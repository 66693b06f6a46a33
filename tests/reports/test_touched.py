"""The tests that a change touches: what the gate says of each, and what of it people see."""

import json
from collections.abc import Callable

import pytest

from runner.model.result import Finding, Outcome, Result
from runner.model.run import Run
from runner.model.suite import Comparison, Made, Pair, TestOutcome, Touched
from runner.reports import markdown, text
from runner.reports.report import build, to_json
from runner.reports.touched import with_terms

Make = Callable[..., Run]
A, B = "tests/test_a.py", "tests/test_b.py"
PASSED, FAILED = TestOutcome.PASSED, TestOutcome.FAILED


def a_row(test: str, made: Made = Made.EDITED, patched: TestOutcome = PASSED, path: str = A) -> Touched:
    return Touched(id=f"{path}::{test}", path=path, made=made, base=PASSED, patched=patched, own=PASSED)


def a_gate(*messages: str, rule: str = "looser-assertions", path: str = A, check: str = "anomaly") -> Result:
    findings = tuple(Finding(path=path, rule=f"anomaly.{rule}", message=message) for message in messages)
    return Result(check=check, outcome=Outcome.WARN, reason="strange", findings=findings)


ROWS = (
    a_row("TestX::test_one"),
    a_row("test_one[1]"),
    a_row("test_" + "x" * 100),
    a_row("test_near", Made.FILE_EDITED),
    a_row("test_gone", Made.REMOVED),
    a_row("test_one", path=B),
)
OF_A = {row.id.partition("::")[2] for row in ROWS if row.path == A}


@pytest.mark.parametrize(
    ("message", "rule", "tests"),
    [
        ("TestX::test_one asserts less strictly", "looser-assertions", {"TestX::test_one"}),
        ("test_one asserts less strictly", "looser-assertions", {"test_one[1]"}),
        ("a case of test_one expects something else of the same", "edited-expectations", {"test_one[1]"}),
        ("2 cases of test_one are newly skipped or expected to fail", "skipped-tests", {"test_one[1]"}),
        ("test_" + "x" * 74 + "… ends the process", "cut-short", {"test_" + "x" * 100}),
        ("test_gone is gone", "deleted-tests", {"test_gone"}),
        ("test_brought is newly skipped", "skipped-tests", set()),
        ("test_hidden is not collected any more", "not-collected", set()),
        ("same asserts less strictly", "looser-assertions", {"test_near"}),
        ("newly skips or excuses tests", "hooks", OF_A),
        ("it can no longer be read as Python, so its 4 tests are not collected", "not-collected", OF_A),
    ],
)
def test_a_sentence_of_the_gate_stands_beside_the_tests_that_it_is_about(message: str, rule: str, tests: set[str]) -> None:
    joined = with_terms(ROWS, [a_gate(message, rule=rule)], new=[f"{A}::test_brought"])
    assert {row.id.partition("::")[2] for row in joined if row.terms and row.path == A} == tests
    assert {row.terms for row in joined} <= {(), (message,)}
    assert not [row for row in joined if row.path == B and row.terms]
    assert {row.id for row in joined} == {row.id for row in ROWS}


def test_other_checks_say_nothing_of_intent() -> None:
    assert with_terms(ROWS, [a_gate("test_one asserts less strictly", check="static")]) == ROWS


def test_tests_that_something_is_said_of_come_first_and_not_everything_is_said() -> None:
    joined = with_terms(ROWS, [a_gate(*(f"test_near says {number}" for number in range(100)))])
    assert (joined[0].id, len(joined[0].terms)) == (f"{A}::test_near", 5)


def with_touched(run_of: Make, *rows: Touched) -> Run:
    return run_of(
        tests=Comparison(touched=rows, new=(Pair(id="t::new", base=None, patched=PASSED),)),
        results=(a_gate("test_0 is gone", rule="deleted-tests"),),
    )


def test_the_json_has_every_test_with_its_three_outcomes_and_the_sentences(run_of: Make) -> None:
    rows = (a_row("test_0", Made.REMOVED, FAILED), a_row("test_1", Made.HELPERS_EDITED))
    told = json.loads(to_json(build(with_touched(run_of, *rows))))["tests"]["touched"]
    assert told[0] == {
        "id": f"{A}::test_0",
        "path": A,
        "made": "removed",
        "base": "passed",
        "patched": "failed",
        "own": "passed",
        "terms": ["test_0 is gone"],
    }
    assert (told[1]["made"], told[1]["terms"], len(told)) == ("helpers edited", [], 2)


def test_people_see_twenty_rows_at_most_and_how_many_there_are_beside(run_of: Make) -> None:
    rows = [a_row(f"test_{number}") for number in range(30)] + [a_row(f"test_near_{number}", Made.FILE_EDITED) for number in range(5)]
    report = build(with_touched(run_of, *rows))
    shown = text.render(report).partition("tests that the change touches\n")[2].partition("\n\n")[0].splitlines()
    assert shown[0] == f"  edited          {A}::test_0  passed -> passed, its own version: passed  test_0 is gone"
    assert (len(shown), shown[-1]) == (21, "  … and 15 more")
    page = markdown.render(report)
    folded = page.partition("<summary>Tests that the change touches: 35</summary>")[2].partition("</details>")[0]
    assert f"| `{A}::test_0` | edited | passed | passed | passed | `test_0 is gone` |" in folded
    assert folded.count(f"`{A}::") == 20
    assert "| … and 15 more | | | | | |" in folded


def test_tests_that_only_stand_near_what_was_edited_are_counted_and_not_listed(run_of: Make) -> None:
    report = build(with_touched(run_of, a_row("test_1", Made.FILE_EDITED), a_row("test_2", Made.FILE_EDITED, FAILED)))
    shown = text.render(report).partition("tests that the change touches\n")[2].partition("\n\n")[0]
    assert "test_2" in shown
    assert "test_1" not in shown
    assert shown.endswith("  … and 1 more")


def test_a_change_that_touches_no_test_has_no_such_part(run_of: Make) -> None:
    report = build(run_of())
    assert "touches" not in text.render(report) + markdown.render(report)
