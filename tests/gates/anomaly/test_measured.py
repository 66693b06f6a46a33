"""What a change looks like beside its history, and which files make it worth a word."""

import pytest

from runner.gates.anomaly.measured import facts
from runner.gates.anomaly.options import Options
from runner.model.history import Past, Spread
from testing.builders import a_change

USUAL = Options()
SPREAD = {"files": Spread(0.7, 0.5)}


@pytest.mark.parametrize(("commits", "compared"), [(0, False), (49, False), (50, True)])
def test_a_change_is_compared_once_the_history_is_long_enough(commits: int, compared: bool) -> None:
    found = facts(a_change("a.py"), Past(commits=commits, spread=SPREAD), (), USUAL)
    assert (set(found.usual), found.commits) == ({"files"} if compared else set(), commits)


@pytest.mark.parametrize(
    ("paths", "dependencies", "untested"),
    [
        (("docs/a.md",), False, False),
        (("pkg/a.py",), False, True),
        (("pkg/a.py", "tests/test_a.py"), False, False),
        (("pyproject.toml",), True, False),
        (("web/package-lock.json",), True, False),
        (("requirements/dev.txt",), True, False),
        (("requirements.md",), False, False),
    ],
)
def test_dependencies_and_source_without_tests_are_told(paths: tuple[str, ...], dependencies: bool, untested: bool) -> None:
    found = facts(a_change(*paths), Past(), (), USUAL)
    assert (found.dependencies, found.untested) == (dependencies, untested)
