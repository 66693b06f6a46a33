"""The command line as a whole: help, versions, what it imports."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"dbos", "pydantic", "docker", "yaml", "sqlalchemy", "alembic", "rich", "requests", "unidiff", "detect_secrets"}
COMMANDS = [
    "check",
    "submit",
    "run",
    "run list",
    "run show",
    "run logs",
    "run wait",
    "run approve",
    "run deny",
    "run cancel",
    "run resume",
    "run retry",
    "rollback",
    "confirm",
    "watch",
    "serve",
    "worker",
    "fleet",
    "db",
    "db migrate",
    "token",
    "token create",
    "token list",
    "token revoke",
    "backup",
    "backup list",
    "backup show",
    "backup verify",
    "backup restore",
    "backup pin",
    "backup prune",
    "image",
    "image build",
    "image build python",
    "image list",
    "image prune",
    "policy",
    "policy lint",
    "policy show",
    "policy schema",
    "cache",
    "cache info",
    "cache clear",
    "breaker",
    "breaker list",
    "breaker open",
    "breaker disable",
    "breaker reset",
    "limits",
    "health",
    "doctor",
    "init",
    "demo",
]
Command = Callable[..., Any]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["check", "--help"],
        ["run", "list", "--help"],
        ["submit", "--help"],
        ["backup", "--help"],
        ["image", "build", "--help"],
        ["doctor", "--help"],
        ["nonsense"],
    ],
)
def test_help_and_mistakes_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"import sys\nfrom runner.cli.main import main\nmain({arguments!r})\nsys.stderr.write('|' + ' '.join({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.rpartition("|")[2] == ""


def test_help_costs_less_than_a_tenth_of_a_second_of_processor_time() -> None:
    def cost() -> float:
        before = os.times()
        subprocess.run([sys.executable, "-m", "runner.cli", "--help"], cwd=ROOT, capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    cost()
    assert min(cost() for _ in range(5)) < 0.1, "CPU seconds; wall time means little on a shared machine"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example_of_a_command_that_exists(seatrial: Command, command: str) -> None:
    answer = seatrial(*command.split(), "--help")
    assert answer.code == 0
    assert "Example" in answer.out
    assert f"  seatrial {command}" in answer.out
    assert "-q, --quiet" in answer.out


def test_the_help_lists_every_command_in_one_line_each(seatrial: Command) -> None:
    out = seatrial("--help").out
    assert [line.split()[0] for line in out.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()] == [
        "check",
        "submit",
        "run",
        "rollback",
        "confirm",
        "watch",
        "serve",
        "worker",
        "fleet",
        "db",
        "token",
        "backup",
        "audit",
        "image",
        "policy",
        "cache",
        "breaker",
        "limits",
        "health",
        "doctor",
        "init",
        "demo",
    ]
    assert "Exit codes: 0 accepted, 1 rejected" in out


@pytest.mark.parametrize("command", ["", "check", "submit"])
def test_no_help_promises_an_exit_code_that_nothing_produces(seatrial: Command, command: str) -> None:
    out = seatrial(*command.split(), "--help").out
    assert "75 refused" in " ".join(out.split())
    assert bool(re.search(r"\b[56] (rolled|stuck)", " ".join(out.split()))) is (command != "check")


def test_the_version_is_told(seatrial: Command) -> None:
    from runner import __version__

    assert seatrial("--version").out == f"seatrial {__version__}\n"


def test_no_command_shows_the_help_and_is_a_usage_error(seatrial: Command) -> None:
    answer = seatrial()
    assert (answer.code, answer.out) == (2, "")
    assert "Commands:" in answer.err


def test_a_mistyped_command_is_told_the_nearest_one(seatrial: Command) -> None:
    answer = seatrial("chekc")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("seatrial: there is no command 'chekc'; did you mean 'check'?\n  `seatrial --help`")


@pytest.mark.parametrize(
    "arguments",
    [["check", "x", "y"], ["chekc"], ["check", "x", "--nonsense"], ["run", "show"], ["--nonsense"], ["check", "x", "--fail-on", "no"]],
)
@pytest.mark.parametrize("format_", [["--format", "json"], ["--format=json"]])
def test_a_usage_error_is_json_where_json_was_asked_for(seatrial: Command, arguments: list[str], format_: list[str]) -> None:
    answer = seatrial(*arguments, *format_)
    assert (answer.code, answer.json["schema"], answer.json["code"], answer.json["exit_code"]) == (2, "seatrial.error/v1", "usage", 2)
    assert answer.json["message"]
    assert set(answer.json) == {"schema", "code", "message", "hint", "exit_code"}


def test_runs_is_another_name_for_run(seatrial: Command) -> None:
    assert seatrial("runs", "list", "--format", "json").json == {"schema": "seatrial.runs/v1", "runs": []}
