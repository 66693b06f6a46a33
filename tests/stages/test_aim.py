"""Whether a target is what a change was made for, and may take it."""

from pathlib import Path
from typing import Any

import pytest

from runner.errors import InfrastructureError, UsageError
from runner.model.promotion import Promotion, Step
from runner.model.result import Cause, Outcome
from runner.stages.aim import aim, candidates
from testing.havens import BASE, THEIRS, TRIED, Harbour, a_run


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path / "state")


def brought(harbour: Harbour, run: str, step: Step, **given: Any) -> Promotion:
    """An earlier promotion of the same patch."""
    usual = {"before": BASE, "after": TRIED, "base": "1" * 40, "patch_id": "4" * 40}
    begun = harbour.promotions.begin(Promotion(run=run, target=harbour.target.key, **{**usual, **given}))
    return harbour.promotions.step(begun, step=step, note="it did harm")


def test_a_target_that_holds_the_base_passes_and_nothing_of_it_is_touched(harbour: Harbour) -> None:
    (answer,) = harbour.do(aim, a_run()).results
    assert (answer.check, answer.outcome, harbour.target.calls) == ("target", Outcome.PASS, ["look"])


def test_a_ref_that_is_not_there_yet_passes(harbour: Harbour) -> None:
    harbour.target.absent = True
    assert harbour.do(aim, a_run()).results[0].outcome is Outcome.PASS


def test_a_target_that_holds_what_was_promoted_last_has_moved_and_one_that_nobody_knows_holds(harbour: Harbour) -> None:
    brought(harbour, "earlier", Step.CONFIRMED, after=THEIRS, patch_id="9" * 40)
    harbour.target.tree = THEIRS
    moved = harbour.do(aim, a_run())
    assert (THEIRS[:12] in moved.moved, moved.results) == (True, ())
    harbour.target.tree = "8" * 40
    (answer,) = harbour.do(aim, a_run()).results
    assert (answer.outcome, "a.py" in answer.reason) == (Outcome.HOLD, True)


def test_what_is_in_the_way_holds(harbour: Harbour) -> None:
    harbour.target.in_the_way = "there is no room"
    (answer,) = harbour.do(aim, a_run()).results
    assert (answer.outcome, answer.reason) == (Outcome.HOLD, "there is no room")


@pytest.mark.parametrize("problem", [UsageError("it is gone", hint="make it"), InfrastructureError("it is gone", hint="make it")])
def test_a_target_that_is_gone_is_the_machines_fault_and_says_what_to_do(harbour: Harbour, problem: Exception) -> None:
    harbour.target.problems["look"] = [problem]
    (answer,) = harbour.do(aim, a_run()).results
    assert (answer.outcome, answer.cause, answer.reason) == (Outcome.UNKNOWN, Cause.INFRASTRUCTURE, "it is gone (make it)")


@pytest.mark.parametrize(
    ("step", "outcome"), [(Step.ROLLED_BACK, "hold"), (Step.STUCK, "hold"), (Step.CONFIRMED, "pass"), (Step.ABANDONED, "pass")]
)
def test_a_patch_that_was_taken_back_is_held_when_it_comes_again(harbour: Harbour, step: Step, outcome: str) -> None:
    brought(harbour, "earlier", step)
    (answer,) = harbour.do(aim, a_run()).results
    assert (answer.outcome, "earlier" in answer.reason) == (outcome, outcome == "hold")


def test_its_own_rollback_and_another_patchs_hold_nothing(harbour: Harbour) -> None:
    brought(harbour, "abc123abc123", Step.ROLLED_BACK)
    brought(harbour, "other", Step.ROLLED_BACK, patch_id="9" * 40)
    assert harbour.do(aim, a_run()).results[0].outcome is Outcome.PASS


def test_a_quarantine_ends(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path / "state", rollback={"quarantine": "0s"})
    brought(harbour, "earlier", Step.ROLLED_BACK)
    assert harbour.do(aim, a_run()).results[0].outcome is Outcome.PASS


def test_the_trees_that_a_target_may_hold_are_the_base_and_the_last_promotions(harbour: Harbour) -> None:
    assert candidates(a_run(), harbour) == (BASE,)  # type: ignore[arg-type]
    brought(harbour, "earlier", Step.CONFIRMED, before=THEIRS)
    assert candidates(a_run(), harbour) == (TRIED, BASE, THEIRS), "a folder's files are compared with the first"  # type: ignore[arg-type]
