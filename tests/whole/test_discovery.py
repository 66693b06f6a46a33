"""A whole check of a repository that says nothing of Seatrial."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.model.run import Run
from testing.whole import ROOT, commit

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
Diff = Callable[[dict[str, str | None]], Path]
Judged = Callable[..., Run]
HONEST = (ROOT / "examples/berth/src/berth/quay.py").read_text() + "\n# an honest comment\n"


def test_what_was_decided_stands_in_the_report(judged: Judged, diff: Diff) -> None:
    run = judged(diff({"src/berth/quay.py": HONEST}))
    assert run.decision is not None
    assert run.decision.verdict == "accept"
    assert "tests: pytest tests (testpaths in pyproject.toml)" in run.notes
    assert "installs: the project (pyproject.toml)" in run.notes


def test_a_module_that_the_base_lacks_is_named_with_the_mend_and_the_other_tests_run(judged: Judged, diff: Diff, berth: Path) -> None:
    (berth / "tests" / "test_more.py").write_text("import no_such_module_anywhere\n")
    commit(berth)
    run = judged(diff({"src/berth/quay.py": HONEST}))
    base = next(result for result in run.results if result.check == "base")
    assert base.outcome == "warn"
    assert "cannot import no_such_module_anywhere: add what brings it under sandbox.build.packages" in base.reason
    assert run.tests is not None
    assert run.tests.base.passed > 0


def test_where_no_test_is_found_the_check_says_how_to_name_them(judged: Judged, diff: Diff, berth: Path) -> None:
    for file in (berth / "tests").glob("test_*.py"):
        file.unlink()
    commit(berth)
    run = judged(diff({"src/berth/quay.py": HONEST}))
    base = next(result for result in run.results if result.check == "base")
    assert base.outcome == "unknown"
    assert "tests.args" in base.reason
