"""Annotations for GitHub Actions."""

from collections.abc import Callable

from runner.model.result import Cause, Decision, Finding, Outcome, Result, Severity, Verdict
from runner.model.run import Run
from runner.reports.github import MOST, render
from runner.reports.report import build
from testing.readers import Command, obeyed
from testing.reports import sample

Make = Callable[..., Run]


def commands(text: str) -> list[Command]:
    found = [obeyed(line) for line in text.splitlines()]
    assert None not in found
    return [command for command in found if command is not None]


def test_a_finding_stands_at_its_line_and_says_what_failed_and_how_to_mend_it() -> None:
    first, _, third, *_ = commands(render(sample("reject")))
    assert (first.name, first.properties["file"], first.properties["line"]) == ("error", "tests/test_quay.py", "14")
    assert "AssertionError: assert 'A' == 'B'" in first.data
    place = {"file": "src/quay.py", "line": "3", "endLine": "4", "title": "seatrial static: static.exec"}
    assert third == ("warning", place, "runs text as code: exec(text)\nfix: call the function")


def test_no_more_than_github_shows_most_important_first_and_the_rest_is_counted(run_of: Make) -> None:
    def many(check: str, outcome: Outcome, severity: Severity) -> Result:
        findings = tuple(Finding(path=f"{check}{n}.py", rule="r", message=f"{check} {n}", severity=severity) for n in range(30))
        return Result(check=check, outcome=outcome, reason="many", findings=findings)

    results = (
        many("quiet", Outcome.WARN, Severity.ERROR),
        many("unsure", Outcome.HOLD, Severity.ERROR),
        many("soft", Outcome.FAIL, Severity.WARNING),
        many("loud", Outcome.FAIL, Severity.ERROR),
        many("silent", Outcome.PASS, Severity.ERROR),
    )
    found = commands(render(build(run_of(results=results, tests=None))))
    kinds = [command.name for command in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {"error": MOST, "warning": MOST, "notice": MOST}
    assert [command.data.split()[0] for command in found] == ["loud"] * MOST + ["soft"] * MOST + ["quiet"] * (MOST - 1) + ["the"]
    assert "left out here: 20 errors, 50 warnings, 21 notices" in found[-1].data


def test_the_last_notice_has_the_verdict_the_exit_code_and_what_to_type() -> None:
    *_, last = commands(render(sample("hold")))
    assert (last.name, last.properties["title"]) == ("notice", "seatrial: held")
    assert last.data.splitlines()[0] == "2 protected paths"
    assert last.data.splitlines()[2:] == ["exit code 3: held: a person must look", "next: seatrial run show abc123abc123"]


def test_a_hold_that_does_not_fail_the_command_says_so(run_of: Make) -> None:
    *_, last = commands(render(build(run_of("held"), exit_code=0)))
    assert "exit code 0: held, which does not fail the command (--fail-on reject)" in last.data


def test_a_run_that_no_check_explains_still_has_its_reason_beside_the_verdict(run_of: Make) -> None:
    silent = Decision(verdict=Verdict.HOLD, ending=None, reason="no answer from: load")
    first, _ = commands(render(build(run_of(results=(), tests=None, decision=silent))))
    assert first == ("warning", {"title": "seatrial held"}, "no answer from: load")
    assert [command.name for command in commands(render(sample("cancelled")))] == ["error", "notice"]
    assert [command.name for command in commands(render(build(run_of("accepted", results=()))))] == ["notice"]


def test_a_fault_of_the_machine_is_an_error(run_of: Make) -> None:
    broken = Result(check="channels", outcome=Outcome.UNKNOWN, cause=Cause.INFRASTRUCTURE, reason="gone")
    assert commands(render(build(run_of("failed", results=(broken,)))))[0].name == "error"


def test_what_only_looks_escaped_stays_as_it_was_written(run_of: Make) -> None:
    finding = Finding(path="a%2C,b::c.py", rule="r", message="100%0A::error::x\n::set-output name=v::y")
    results = (Result(check="x", outcome=Outcome.FAIL, reason="r", findings=(finding,)),)
    first, _ = commands(render(build(run_of(results=results))))
    assert first.properties["file"] == "a%2C,b::c.py"
    assert first.data == "100%0A::error::x\n\\x3a:set-output name=v::y"
