"""Suites of other languages, judged test by test from their JUnit reports."""

import shutil
from pathlib import Path

import pytest

from runner.model.run import Run
from runner.wiring import Request, check
from testing.whole import ROOT, Quiet, commit, git

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("uncontrolled")]
EXAMPLES = ROOT / "examples"


def judged(tmp_path: Path, project: str, change: str | Path) -> Run:
    repo = tmp_path / project
    if not repo.exists():
        shutil.copytree(EXAMPLES / project, repo)
        git(repo, "init", "-q", "-b", "main")
        commit(repo, "base")
    return check(Request(repo=repo, change=str(change)), Quiet())


def verdicts(tmp_path: Path, project: str) -> list[tuple[str | None, list[str]]]:
    runs = [judged(tmp_path, project, EXAMPLES / "changes" / f"{project}-{name}.diff") for name in ("good", "broken")]
    assert all(run.level.startswith("command: ") for run in runs)
    return [(run.decision.verdict if run.decision else None, [pair.id for pair in run.tests.broken] if run.tests else []) for run in runs]


def test_a_suite_of_node_is_compared_test_by_test(tmp_path: Path) -> None:
    assert verdicts(tmp_path, "node-tide") == [("accept", []), ("reject", ["test::wants a hand's breadth to spare"])]


def test_the_bases_tests_of_node_decide_when_a_change_edits_them_to_fit(tmp_path: Path) -> None:
    repo = tmp_path / "node-tide"
    judged(tmp_path, "node-tide", EXAMPLES / "changes/node-tide-good.diff")
    source, suite = repo / "src/tide.js", repo / "test/tide.test.js"
    source.write_text(source.read_text().replace("draught + 0.1", "draught"))
    suite.write_text(suite.read_text().replace("3.95), false", "3.95), true"))
    patch = tmp_path / "fits.diff"
    patch.write_text(git(repo, "diff"))
    git(repo, "reset", "-q", "--hard")
    run = judged(tmp_path, "node-tide", patch)
    assert run.decision is not None
    assert run.decision.verdict == "hold"
    assert run.tests is not None
    assert [pair.id for pair in run.tests.broken] == ["test::wants a hand's breadth to spare"]


@pytest.mark.long
def test_a_suite_of_go_is_compared_test_by_test(tmp_path: Path) -> None:
    broken = ["example.org/ballast::TestNeeded", "example.org/ballast::TestNeeded/lighter"]
    good, bad = verdicts(tmp_path, "go-ballast")
    assert (good, bad[0], sorted(bad[1])) == (("accept", []), "reject", broken)
