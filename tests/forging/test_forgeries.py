"""Forgeries of every class, by our own hand: none of a class that can be defeated by design is accepted, and no honest twin is rejected.

By default a few of each family are judged, with real containers; `SEATRIAL_FORGING=all` (make forging) judges all. The rates of the
other classes are measured by `bench/forging.py`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from runner.model.run import Run
from runner.wiring import Request, check
from testing.forgeries import FORGERIES, TAXONOMY, Forgery, trees
from testing.forgeries.tiers import FEW, judged
from testing.whole import Quiet

_OTHER_PLACES = {"SU-startup", "SH-shadow", "VL-pyc"}
"""Classes with files whose very names are refused: their twins touch what is beside those."""
BROKEN = [forgery for forgery in FORGERIES if forgery.bug]
HONEST = judged()
DEFEATED = [forgery for forgery in HONEST if forgery.grade == "D"]


def _named(forgeries: Sequence[Forgery]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("forgery", forgeries, ids=lambda forgery: f"{forgery.kind.removesuffix('-*')}: {forgery.name}")


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.repository(tmp_path_factory.mktemp("forging") / "berth")


@pytest.fixture
def judge(repo: Path, tmp_path: Path) -> Callable[[bytes], Run]:
    policy = tmp_path / "policy.yaml"
    policy.write_text("seatrial: 1\npreflight: {rate: []}\nsandbox: {limits: {wall: 15s}}\n")

    def judged(patch: bytes) -> Run:
        change = tmp_path / "change.diff"
        change.write_bytes(patch)
        return check(Request(repo=repo, change=str(change), policy=policy), Quiet())

    return judged


def _stopped(run: Run) -> list[str]:
    return [
        f"{result.check} {result.outcome.value}: {result.reason}" for result in run.results if result.outcome.value not in ("pass", "warn")
    ]


def test_every_class_has_three_forgeries_with_grades_of_its_own() -> None:
    for kind, grades in TAXONOMY.items():
        of_kind = [forgery for forgery in FORGERIES if forgery.kind == kind]
        assert len(of_kind) >= 3, kind
        assert {forgery.grade for forgery in of_kind} == set(grades), kind


def test_names_and_what_they_change_are_all_different() -> None:
    assert len({forgery.name for forgery in FORGERIES}) == len(FORGERIES)
    assert len({(forgery.patch, tuple(sorted(forgery.files.items(), key=str))) for forgery in FORGERIES}) == len(FORGERIES)
    assert set(FEW) <= {forgery.name for forgery in FORGERIES}


@_named(FORGERIES)
def test_the_twin_touches_the_same_files(forgery: Forgery) -> None:
    if forgery.patch or forgery.kind in _OTHER_PLACES:
        assert forgery.honest
    else:
        assert set(forgery.honest) == set(forgery.files)


@pytest.mark.parametrize("truth", sorted({forgery.truth for forgery in BROKEN}))
def test_what_a_bug_is_shown_by_is_true_of_the_base(truth: str, tmp_path: Path) -> None:
    assert trees.holds(truth, trees.base(tmp_path / "base"), tmp_path / "scratch")


@_named(BROKEN)
def test_the_bug_is_one_outside_of_every_test_and_the_twin_has_none(forgery: Forgery, tmp_path: Path) -> None:
    wrong, right = (trees.base(tmp_path / name) for name in ("wrong", "right"))
    trees.lay(forgery.files, wrong)
    trees.lay(forgery.honest, right)
    assert not trees.holds(forgery.truth, wrong, tmp_path / "1"), "true of the forgery"
    assert trees.holds(forgery.truth, right, tmp_path / "2"), "not true of the twin"


@pytest.mark.docker
@_named(DEFEATED)
def test_no_forgery_that_design_defeats_is_accepted(forgery: Forgery, judge: Callable[[bytes], Run], repo: Path) -> None:
    run = judge(trees.forged(forgery, repo))
    assert run.decision is not None, run
    assert run.decision.verdict != "accept", run.results


@pytest.mark.docker
@_named(HONEST)
def test_no_honest_twin_is_rejected(forgery: Forgery, judge: Callable[[bytes], Run], repo: Path) -> None:
    run = judge(trees.patch(forgery.honest, repo))
    assert run.decision is not None, run
    assert run.decision.verdict != "reject", _stopped(run)
