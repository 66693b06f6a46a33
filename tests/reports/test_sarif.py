"""SARIF 2.1.0."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.model.result import Finding, Outcome, Result
from runner.model.run import Run
from runner.reports.report import build
from runner.reports.sarif import MOST_RESULTS, render
from testing.readers import sarif_run
from testing.reports import SAMPLES, sample

Make = Callable[..., Run]


def of_findings(run_of: Make, *findings: Finding, check: str = "static", outcome: Outcome = Outcome.FAIL) -> dict[str, Any]:
    return sarif_run(render(build(run_of(results=(Result(check=check, outcome=outcome, reason="because", findings=findings),)))))


def a_finding(**given: Any) -> Finding:
    return Finding(**{"path": "src/a.py", "rule": "static.exec", "message": "exec", **given})


def uri(run: dict[str, Any]) -> str:
    return str(run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


@pytest.mark.parametrize(
    ("name", "successful", "code"),
    [("accept", True, 0), ("reject", True, 1), ("hold", True, 3), ("failed", False, 4), ("cancelled", False, 130)],
)
def test_the_log_is_valid_and_tells_the_ending(name: str, successful: bool, code: int) -> None:
    run = sarif_run(render(sample(name)))
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (successful, code)
    decision = SAMPLES[name]().decision
    assert decision is not None
    assert (run["properties"]["verdict"], run["properties"]["run"]) == (decision.verdict, "abc123abc123")


@pytest.mark.parametrize(
    ("outcome", "level"),
    [(Outcome.FAIL, "error"), (Outcome.HOLD, "warning"), (Outcome.UNKNOWN, "warning"), (Outcome.REFUSE, "warning"), (Outcome.WARN, "note")],
)
def test_each_outcome_has_its_level(run_of: Make, outcome: Outcome, level: str) -> None:
    assert of_findings(run_of, a_finding(), outcome=outcome)["results"][0]["level"] == level


def test_what_passed_makes_no_result(run_of: Make) -> None:
    assert of_findings(run_of, a_finding(), outcome=Outcome.PASS)["results"] == []


def test_there_is_a_region_only_where_a_line_is_known(run_of: Make) -> None:
    places = [a_finding(), a_finding(line=3), a_finding(line=3, end_line=2), a_finding(line=0), a_finding(line=-1), a_finding(line=10**12)]
    regions = [r["locations"][0]["physicalLocation"].get("region") for r in of_findings(run_of, *places)["results"]]
    assert regions == [None, {"startLine": 3, "endLine": 3}, {"startLine": 3, "endLine": 3}, None, None, None]


@pytest.mark.parametrize(
    ("path", "shown"),
    [("a b/c#d?.py", "a%20b/c%23d%3F.py"), ("größe.py", "gr%C3%B6%C3%9Fe.py"), ("c:x.py", "c%3Ax.py"), ("100%.py", "100%25.py")],
)
def test_a_path_is_a_relative_uri(run_of: Make, path: str, shown: str) -> None:
    assert uri(of_findings(run_of, a_finding(path=path))) == shown


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "//host/x"])
def test_what_lies_nowhere_in_the_repository_is_a_notification_and_no_result(run_of: Make, path: str) -> None:
    run = of_findings(run_of, a_finding(path=path))
    assert run["results"] == []
    assert {"level": "error", "message": {"text": "static: exec"}} in run["invocations"][0]["toolExecutionNotifications"]


def test_fingerprints_stay_when_lines_move_and_differ_when_findings_do(run_of: Make) -> None:
    def prints(*findings: Finding) -> list[str]:
        return [result["partialFingerprints"]["seatrial/v1"] for result in of_findings(run_of, *findings)["results"]]

    assert prints(a_finding(line=3)) == prints(a_finding(line=30, message="exec")) == prints(a_finding())
    twins = prints(a_finding(), a_finding(), a_finding(path="b.py"), a_finding(rule="x"), a_finding(message="eval"))
    assert len(set(twins)) == len(twins)


def test_the_baseline_state_is_given_where_it_is_known(run_of: Make) -> None:
    def state(**given: Any) -> Any:
        rule = given.pop("rule", "x.y")
        return of_findings(run_of, a_finding(rule=rule), **given)["results"][0].get("baselineState")

    assert state(check="tests", outcome=Outcome.FAIL) == "new"
    assert state(check="base", rule="base.failing", outcome=Outcome.WARN) == "unchanged"
    assert state(check="origin", outcome=Outcome.UNKNOWN) is None
    assert state(check="tests", outcome=Outcome.WARN) is None


def test_no_more_results_than_github_takes_and_the_rest_is_counted(run_of: Make) -> None:
    run = of_findings(run_of, *(a_finding(message=f"m{n}") for n in range(MOST_RESULTS + 7)))
    assert len(run["results"]) == MOST_RESULTS
    assert run["properties"]["omittedResults"] == 7
    assert run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"].startswith("7 results left out")


def test_each_rule_stands_once_with_its_help(run_of: Make) -> None:
    run = of_findings(run_of, a_finding(), a_finding(line=9), a_finding(rule="static.shell"))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["static.exec", "static.shell"]
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
