"""Markdown for a step summary."""

from collections.abc import Callable

import pytest

from runner.model.result import Finding, Outcome, Result
from runner.model.run import Run
from runner.model.suite import Comparison, Pair, SuiteSummary, TestOutcome
from runner.reports.markdown import MOST_CHARACTERS, MOST_LINES, cell, code, render
from runner.reports.report import build
from testing.readers import Page
from testing.reports import sample

Make = Callable[..., Run]


def full_run(run_of: Make) -> Run:
    said = "\n".join(f"line {number} {'x' * 300}" for number in range(200)) + "\nE   assert 1 == 2"
    lists = {
        name: tuple(Pair(id=f"{name}::{n}", base=TestOutcome.PASSED, patched=TestOutcome.FAILED, text=said) for n in range(300))
        for name in ("broken", "missing", "skipped", "flaky", "still_failing", "fixed", "new")
    }
    findings = tuple(Finding(path=f"f{n}.py", line=n, rule="r", message="m" * 500, fix="f" * 500) for n in range(300))
    results = tuple(Result(check=f"check{n}", outcome=o, reason="r" * 900, findings=findings) for n in range(20) for o in Outcome)
    tests = Comparison(patched=SuiteSummary(tests=9), tests_side=tuple("t" * 300 for _ in range(300)), **lists)
    return run_of(results=results, tests=tests, notes=tuple("n" * 900 for _ in range(500)))


def test_the_largest_report_keeps_to_its_lines_and_to_the_room_of_a_comment(run_of: Make) -> None:
    shown = render(build(full_run(run_of)))
    head, fold, rest = shown.partition("<details>")
    assert len(head.splitlines()) + shown.count("<details>") + len(rest.rpartition("</details>")[2].splitlines()) <= MOST_LINES
    assert fold
    assert len(shown) <= MOST_CHARACTERS
    assert "… and 1192 more" in head
    assert "Too long to show here: " in shown
    assert "E   assert 1 == 2" in head


def test_the_verdict_comes_first_and_the_next_command_last() -> None:
    lines = render(sample("hold")).splitlines()
    assert lines[0] == "## ✋ Held: `fix.diff`"
    assert lines[2] == "`2 protected paths`"
    assert lines[4].endswith("exit code 3: held: a person must look")
    assert lines[-1] == "**Next:** `seatrial run show abc123abc123`"


def test_what_decides_stands_above_what_does_not() -> None:
    shown = render(sample("reject")).partition("<details>")[0]
    assert shown.index("**fail** | `tests`") < shown.index("hold | `static`") < shown.index("unknown (evidence) | `origin`")
    assert "`intake`" not in shown


def test_every_fold_opens_and_closes_and_holds_its_table() -> None:
    page = Page(render(sample("reject")))
    assert page.tags.count("details") == page.tags.count("summary") == 4
    assert page.tags.count("table") == 7


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("``", "``` `` ```"),
        ("`", "`` ` ``"),
        ("", "-"),
        ("@user #1 <b>", "`@user #1 <b>`"),
        ("a\nb\u202e", "`a\\nb\\u202e`"),
    ],
)
def test_a_code_span_cannot_be_ended_by_what_it_holds(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize("text", ["a|b", "a\\|b", "a\\\\|b", "|", "`|`", "x\\"])
def test_a_bar_ends_no_cell(text: str) -> None:
    page = Page(f"| a | b |\n|---|---|\n| {cell(text)} | end |\n")
    assert (page.tags.count("td"), page.outside.split()) == (2, ["a", "b", "end"])
    assert "\\|" not in page.inside or text.startswith("a\\\\")
