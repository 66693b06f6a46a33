"""The tests' part of shared configuration files."""

import time

import pytest

from runner import parsing
from runner.trial.configuration import changes_tests


class TwoTrees:
    """The file on both sides."""

    def __init__(self, base: str, patched: str) -> None:
        self.sides = {"base": base.encode(), "patched": patched.encode()}

    def read(self, tree: str, path: str) -> bytes:
        return self.sides[tree]


def changed(name: str, base: str, patched: str) -> bool:
    return changes_tests(TwoTrees(base, patched), "base", "patched", name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "base", "patched", "tests"),
    [
        ("pyproject.toml", '[project]\nversion = "1"\n', '[project]\nversion = "2"\n', False),
        ("pyproject.toml", "", "[tool.pytest.ini_options]\naddopts = '--co'\n", True),
        ("pyproject.toml", "", "[tool.pytest]\naddopts = ['--co']\n", True),
        ("setup.cfg", "[metadata]\nversion = 1\n", "[metadata]\nversion = 2\n", False),
        ("setup.cfg", "", "[tool:pytest]\naddopts = --co\n", True),
        ("tox.ini", "[testenv]\n", "[testenv]\ndeps = x\n", False),
        ("tox.ini", "", "[pytest]\naddopts = --co\n", True),
        ("tox.ini", "", "[testenv]\x1c[pytest]\naddopts = --co\n", True),
        ("pyproject.toml", "", "this is not toml", True),
    ],
)
def test_only_the_tests_part_counts_and_what_cannot_be_read_counts_as_changed(name: str, base: str, patched: str, tests: bool) -> None:
    assert changed(name, base, patched) is tests


def test_a_file_made_to_keep_a_parser_busy_does_not_keep_us_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "SECONDS", 2)
    began = time.monotonic()
    assert changed("pyproject.toml", "", ".".join(["a"] * 200_000) + " = 1\n")
    assert time.monotonic() - began < 12
