"""The manifest for pre-commit, checked against its documented keys, and against the command it names."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def test_it_has_what_a_hook_needs_and_nothing_unknown() -> None:
    assert {"id", "name", "entry", "language"} <= HOOK.keys()
    assert HOOK.keys() <= {"id", "name", "entry", "language", "description", "files", "types", "require_serial"}
    assert (HOOK["id"], HOOK["language"]) == ("seatrial-policy-lint", "python")


def test_it_lints_policies_and_runs_nothing_else() -> None:
    from runner.cli.group import Lazy

    program, command, sub = HOOK["entry"].split()
    assert program in (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[2].split()
    assert command in Lazy.TABLE
    assert sub == "lint"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (".seatrial/policy.yaml", True),
        ("service/.seatrial/policy.yaml", True),
        ("x.seatrial/policy.yaml", False),
        (".seatrial/other.yaml", False),
    ],
)
def test_its_pattern_means_policies(path: str, meant: bool) -> None:
    assert bool(re.search(HOOK["files"], path)) == meant
