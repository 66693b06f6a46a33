"""What a command ends with, made of what a server says: its report, and nothing that it should not decide."""

import json
from typing import Any

import pytest

from runner.client.answers import Shown
from runner.client.reported import report_of, report_text
from runner.errors import ChangeRefused, InfrastructureError, SeatrialError, UsageError
from runner.model.result import Decision, Ending, Verdict
from runner.reports.exits import exit_of_problem
from runner.reports.report import build, to_json
from testing.clients import a_summary
from testing.reports import a_run

RUN = "abc123abc123"
FLAG = " --server http://127.0.0.1:1"
ACCEPTED = Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed")


def shown(report: Any = None, **summary: Any) -> Shown:
    return Shown.model_validate_json(json.dumps({"summary": a_summary(run=RUN, **summary), "report": report}))


def a_report(**given: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(to_json(build(a_run(ACCEPTED))))
    return {**told, **given}


def test_a_report_is_the_servers_but_for_the_command_to_type() -> None:
    told = a_report(next=f"seatrial run logs {RUN}", of_a_newer_server={"a": 1})
    assert json.loads(report_text(shown(told), FLAG)) == {**told, "next": f"seatrial run logs {RUN}{FLAG}"}
    found = report_of(shown(told), "")
    assert (found.exit_code, found.verdict, found.next) == (0, "accept", f"seatrial run logs {RUN}")


@pytest.mark.parametrize(
    "told",
    [
        "git -C /srv/app apply --index x.diff",
        "seatrial doctor",
        f"seatrial run show {RUN}; rm -rf ~",
        f"seatrial run show {RUN}\n",
        "seatrial run show $(id)",
        "\x1b[2J",
        None,
        7,
        [],
    ],
)
def test_no_other_command_of_a_server_is_offered_to_be_typed(told: Any) -> None:
    assert report_of(shown(a_report(next=told)), FLAG).next == f"seatrial run show {RUN}{FLAG}"


@pytest.mark.parametrize("given", [{"exit_code": 256}, {"exit_code": -1}, {"exit_code": 99}, {"run": "ffffffffffff"}])
def test_a_report_that_cannot_be_of_this_run_is_an_error(given: dict[str, Any]) -> None:
    with pytest.raises(InfrastructureError):
        report_of(shown(a_report(**given)), "")


@pytest.mark.parametrize("told", [{}, {"schema": "seatrial.report/v2"}, a_report(verdict="fine"), a_report(results=[{"check": "x"}])])
def test_a_report_that_cannot_be_read_says_how_to_see_it(told: dict[str, Any]) -> None:
    with pytest.raises(InfrastructureError) as problem:
        report_of(shown(told), FLAG)
    assert problem.value.hint == f"seatrial run show {RUN} --format json{FLAG}"


@pytest.mark.parametrize(
    ("summary", "base", "kind", "code"),
    [
        ({"ending": "failed", "reason": "no engine"}, "", InfrastructureError, 4),
        ({"ending": "failed", "reason": "no engine", "exit_code": 4}, "", InfrastructureError, 4),
        ({"ending": "failed", "reason": "policy.yaml:2:1: unknown key", "exit_code": 2}, "", UsageError, 2),
        ({"ending": "failed", "reason": "it does not apply", "exit_code": 1}, "", ChangeRefused, 1),
        ({"ending": "failed", "reason": "odd", "exit_code": -7}, "", InfrastructureError, 4),
        ({"ending": "failed", "reason": "a bug", "exit_code": 70}, "", InfrastructureError, 4),
        ({"ending": "failed", "reason": f"there is no revision '{'b' * 40}'"}, "b" * 40, UsageError, 2),
        ({"ending": "failed", "reason": f"there is no revision '{'b' * 40}'"}, "", InfrastructureError, 4),
        ({"ending": None, "state": "odd", "reason": ""}, "", InfrastructureError, 4),
    ],
)
def test_a_run_without_a_report_is_an_error(summary: dict[str, Any], base: str, kind: type[SeatrialError], code: int) -> None:
    with pytest.raises(kind) as problem:
        report_of(shown(None, **summary), "", base=base)
    assert exit_of_problem(problem.value) == code


def test_a_run_that_was_cancelled_before_anybody_read_it_has_a_report() -> None:
    found = report_of(shown(None, ending="cancelled", reason="ann cancelled it: \x1b[2J"), FLAG)
    assert (found.exit_code, found.ending, found.verdict, found.next) == (130, "cancelled", None, f"seatrial run show {RUN}{FLAG}")
