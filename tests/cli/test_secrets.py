"""The password of the database is in no message, log or bug report, whatever library quotes it."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from runner.cli import bugs
from runner.cli.failure import explain
from runner.cli.logs import Told
from runner.errors import StoreUnavailable

Command = Callable[..., Any]
SECRET = "s3cret-w0rd"
URL = f"postgresql://me:{SECRET}@host/db"


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", URL)


@pytest.mark.parametrize("problem", [StoreUnavailable(f"cannot open {URL}", hint=f"look at {URL}"), ValueError(f"password={SECRET}")])
@pytest.mark.parametrize("arguments", [["check"], ["check", "--format", "json"], ["check", "--format", "github"]])
def test_no_message_has_it(problem: Exception, arguments: list[str], capsys: pytest.CaptureFixture[str], own_home: Any) -> None:
    explain(problem, arguments)
    said = capsys.readouterr()
    assert "host" in said.out + said.err or "***" in said.out + said.err
    assert SECRET not in said.out + said.err
    assert not [file for file in own_home.rglob("*.log") if SECRET in file.read_text()]


def test_no_bug_report_has_it() -> None:
    problem = ValueError(URL)
    problem.__cause__ = KeyError(SECRET)
    text = bugs.text(problem, ["check"])
    assert "postgresql://me@host/db" in text
    assert SECRET not in text


def test_no_log_line_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    Told(verbose=True).emit(logging.LogRecord("x", logging.WARNING, "", 0, f"retrying {URL}", (), None))
    assert "postgresql://me@host/db" in capsys.readouterr().err


def test_a_whole_command_against_a_server_that_is_not_there_has_it_nowhere(seatrial: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", f"postgresql://me:{SECRET}@/db?host=/nonexistent")
    for command in (["run", "list"], ["audit", "verify", "--format", "json"], ["audit", "list", "-v"]):
        answer = seatrial(*command)
        assert answer.code == 4
        assert "postgresql://me@/nonexistent/db cannot be reached" in answer.out + answer.err
        assert SECRET not in answer.out + answer.err
