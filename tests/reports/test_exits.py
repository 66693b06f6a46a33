"""The exit codes: one table for whoever ends a command or records a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import ChangeRefused, EngineUnavailable, PolicyInvalid, SeatrialError, Terminated, UsageError
from runner.reports.exits import exit_of_problem


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (UsageError("x"), 2),
        (PolicyInvalid(("x",)), 2),
        (ChangeRefused("x"), 1),
        (EngineUnavailable("x"), 4),
        (SeatrialError("x"), 4),
        (OSError(28, "No space left on device"), 4),
        (OSError(2, "No such file"), 70),
        (ValueError("x"), 70),
        (KeyboardInterrupt(), 130),
        (Terminated(2), 130),
        (Terminated(15), 143),
        (Terminated(1), 129),
    ],
)
def test_what_ends_a_command_has_one_exit_code(problem: BaseException, code: int) -> None:
    assert exit_of_problem(problem) == code


def test_the_table_costs_no_heavy_import() -> None:
    code = "import sys, runner.reports.exits; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
