"""From the intent to the atomic step: what is on record before what, and what comes of every way in which that can fail."""

from pathlib import Path
from typing import Any

import pytest

from runner.errors import Fenced, InfrastructureError, TargetMoved
from runner.model.promotion import Promotion, Step
from runner.model.result import Outcome
from runner.model.run import Course, Run, State
from runner.ports import Ran
from runner.stages.promote import promote
from testing.havens import BASE, THEIRS, TRIED, Harbour, a_run, an_answer

RUN = "abc123abc123"
FULL = OSError(28, "No space left on device")


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path / "state", promote={"after": {"command": ["restart"]}})


def recorded(harbour: Harbour, run: str = RUN) -> Promotion:
    found = harbour.promotions.find(run)
    assert found is not None
    return found


def left(harbour: Harbour, step: Step, **given: Any) -> Promotion:
    """What a process that died has left on record."""
    begun = harbour.promotions.begin(Promotion(run=RUN, target=harbour.target.key, before=BASE, after=TRIED, base="1" * 40))
    return harbour.promotions.step(begun, step=step, method="exchange", **given)


def ended(run: Run) -> tuple[str | None, str]:
    assert run.decision is not None
    return run.decision.ending, run.decision.reason


def test_the_intent_and_the_deadline_are_on_record_before_the_target_is_touched(harbour: Harbour) -> None:
    steps: dict[str, tuple[Step, bool]] = {}
    harbour.target.seen = lambda name: steps.update(
        {name: (recorded(harbour).step, recorded(harbour).deadline is not None)} if name in ("prepare", "swap") else {}
    )
    run = harbour.do(promote, a_run())
    assert steps == {"prepare": (Step.INTENDED, True), "swap": (Step.PREPARED, True)}
    found = recorded(harbour)
    assert (found.step, found.after, harbour.target.tree, found.baseline) == (Step.PROMOTED, TRIED, TRIED, {"well": (0.1, 0.2)})
    assert run.promotion is not None
    assert (run.promotion.step, run.course, run.state) == ("promoted", None, State.RUNNING)
    assert harbour.ran == [(("restart",), {"SEATRIAL_RUN": RUN, "SEATRIAL_TARGET": harbour.target.key, "SEATRIAL_TREE": TRIED})]


def test_the_time_to_be_confirmed_in_counts_from_the_step_not_from_the_preparation(harbour: Harbour) -> None:
    harbour.do(promote, a_run())
    found = recorded(harbour)
    assert found.deadline == found.promoted + 300  # type: ignore[operator]


def test_promise_4_without_a_backup_nothing_is_promoted_whoever_calls(harbour: Harbour) -> None:
    with pytest.raises(InfrastructureError, match="no verified backup"):
        harbour.do(promote, a_run(backup=None))
    assert (harbour.target.tree, harbour.promotions.find(RUN)) == (BASE, None)


@pytest.mark.parametrize("wish", ["cancel", "rollback", "deny", "expire"])
def test_what_is_cancelled_meanwhile_is_not_promoted_and_nothing_lies_beside_the_target(harbour: Harbour, wish: str) -> None:
    harbour.wished = wish
    run = harbour.do(promote, a_run())
    assert (ended(run)[0], recorded(harbour).step, harbour.target.tree) == ("cancelled", Step.ABANDONED, BASE)
    assert harbour.target.calls[-1] == "tidy"


def test_a_gate_that_closed_meanwhile_holds(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.stages.promote.recheck", lambda *_: "before the promotion health says: the disk is full")
    run = harbour.do(promote, a_run())
    assert (run.state, recorded(harbour).step, harbour.target.tree) == (State.HELD, Step.ABANDONED, BASE)
    assert run.results[-1].check == "promote"


@pytest.mark.parametrize("method", ["prepare", "swap"])
def test_a_target_that_is_not_the_base_any_more_is_tried_again_elsewhere(harbour: Harbour, method: str) -> None:
    harbour.target.problems[method] = [TargetMoved("it is at abc now")]
    run = harbour.do(promote, a_run())
    assert (run.moved, run.decision, recorded(harbour).step) == ("it is at abc now", None, Step.ABANDONED)


@pytest.mark.parametrize("method", ["prepare", "swap"])
@pytest.mark.parametrize("problem", [FULL, InfrastructureError("the disk is full", hint="make room")])
def test_a_fault_before_the_step_leaves_the_target_old_and_fails(harbour: Harbour, method: str, problem: Exception) -> None:
    harbour.target.problems[method] = [problem]
    run = harbour.do(promote, a_run())
    assert (ended(run)[0], recorded(harbour).step, harbour.target.tree) == ("failed", Step.ABANDONED, BASE)
    assert harbour.ran == []


def test_a_fault_after_the_step_is_a_promotion_that_is_taken_back(harbour: Harbour) -> None:
    harbour.target.late["swap"] = [OSError(5, "Input/output error")]
    run = harbour.do(promote, a_run())
    found = recorded(harbour)
    assert (found.step, run.course, harbour.target.tree, harbour.ran) == (Step.PROMOTED, Course.TAKE_BACK, TRIED, [])
    assert "Input/output error" in run.because
    assert found.deadline is not None


def test_a_fault_with_a_target_that_is_neither_is_stuck(harbour: Harbour) -> None:
    harbour.target.problems["swap"] = [FULL]
    harbour.target.seen = lambda name: setattr(harbour.target, "tree", THEIRS if name == "swap" else harbour.target.tree)
    run = harbour.do(promote, a_run())
    assert (recorded(harbour).step, run.state, harbour.target.tree) == (Step.STUCK, State.RUNNING, THEIRS)


def test_a_fault_before_anything_was_prepared_is_no_doubt_about_the_target(harbour: Harbour) -> None:
    harbour.target.problems["prepare"] = [FULL]
    harbour.target.seen = lambda name: setattr(harbour.target, "tree", THEIRS if name == "prepare" else harbour.target.tree)
    run = harbour.do(promote, a_run())
    assert (ended(run)[0], recorded(harbour).step, harbour.target.tree) == ("failed", Step.ABANDONED, THEIRS)


@pytest.mark.parametrize(
    ("tree", "step", "note"), [(TRIED, Step.PROMOTED, "the process that made it died"), (THEIRS, Step.STUCK, "a.py was edited")]
)
def test_after_a_crash_it_is_what_the_target_says(harbour: Harbour, tree: str, step: Step, note: str) -> None:
    left(harbour, Step.PREPARED, deadline=harbour.promotions.now() + 300)
    harbour.target.tree = tree
    harbour.do(promote, a_run())
    found = recorded(harbour)
    assert (found.step, found.fence, note in found.note, harbour.target.tree) == (step, 2, True, tree)
    assert "swap" not in harbour.target.calls


@pytest.mark.parametrize("step", [Step.INTENDED, Step.PREPARED])
def test_after_a_crash_before_the_step_it_is_begun_again(harbour: Harbour, step: Step) -> None:
    left(harbour, step)
    harbour.do(promote, a_run())
    assert (recorded(harbour).step, harbour.target.tree) == (Step.PROMOTED, TRIED)
    assert recorded(harbour).fence > 2


@pytest.mark.parametrize("tree", [TRIED, THEIRS])
def test_after_a_crash_before_anything_was_prepared_what_the_target_is_others_have_made(harbour: Harbour, tree: str) -> None:
    """Killed while it waited for another promotion: nothing is stuck, and nothing is called its own; it is tried again on what is there."""
    left(harbour, Step.INTENDED)
    harbour.target.tree = tree
    run = harbour.do(promote, a_run())
    assert (bool(run.moved), run.course, recorded(harbour).step, harbour.target.tree) == (True, None, Step.ABANDONED, tree)
    assert "swap" not in harbour.target.calls


def test_after_a_crash_what_was_being_taken_back_goes_on_being_taken_back(harbour: Harbour) -> None:
    left(harbour, Step.TAKING_BACK, note="it did harm")
    harbour.target.tree = TRIED
    run = harbour.do(promote, a_run())
    assert (run.course, run.because, harbour.ran) == (Course.TAKE_BACK, "it did harm", [])


@pytest.mark.parametrize("step", [Step.CONFIRMED, Step.ROLLED_BACK, Step.STUCK])
def test_what_has_ended_is_only_told(harbour: Harbour, step: Step) -> None:
    left(harbour, step)
    run = harbour.do(promote, a_run())
    assert run.promotion is not None
    assert (run.promotion.step, harbour.target.calls, harbour.ran) == (step, [], [])


def test_whoever_was_taken_over_touches_nothing(harbour: Harbour) -> None:
    harbour.target.seen = lambda name: harbour.promotions.take(recorded(harbour)) if name == "prepare" else None  # type: ignore[func-returns-value]
    with pytest.raises(Fenced):
        harbour.do(promote, a_run())
    assert harbour.target.tree == BASE
    assert "swap" not in harbour.target.calls


def test_whoever_was_taken_over_at_the_last_moment_touches_nothing(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.stages.promote.recheck", lambda *_: harbour.promotions.take(recorded(harbour)) and "")
    with pytest.raises(Fenced):
        harbour.do(promote, a_run())
    assert (harbour.target.tree, "swap" in harbour.target.calls) == (BASE, False)


# ── another promotion of the same target ─────────────────────────────────────────────────────────────────────────────


def other(harbour: Harbour, deadline: float | None = None) -> Promotion:
    begun = harbour.promotions.begin(Promotion(run="other", target=harbour.target.key, before=BASE, after=THEIRS, base="1" * 40))
    return harbour.promotions.step(begun, step=Step.PROMOTED, deadline=deadline)


@pytest.mark.parametrize(("tree", "moved"), [(BASE, ""), (THEIRS, "run other has changed the target meanwhile")])
def test_it_waits_for_the_promotion_that_is_under_way_and_looks_again(harbour: Harbour, tree: str, moved: str) -> None:
    begun, asked = other(harbour), []

    def blocked(promotion: Promotion) -> None:
        asked.append(promotion.run)
        if len(asked) == 3:
            harbour.promotions.step(begun, step=Step.CONFIRMED if moved else Step.ROLLED_BACK)
            harbour.target.tree = tree

    harbour.stands_in_the_way = blocked
    run = harbour.do(promote, a_run())
    assert (asked, run.moved) == (["other"] * 3, moved)
    assert harbour.target.tree == (tree if moved else TRIED)
    assert len([said for said in harbour.told if said.startswith("waiting for run other")]) == 1
    assert recorded(harbour).step is (Step.ABANDONED if moved else Step.PROMOTED)


def test_it_does_not_wait_for_ever(harbour: Harbour) -> None:
    other(harbour, deadline=harbour.promotions.now() - 100)
    run = harbour.do(promote, a_run())
    assert (run.state, "other" in ended(run)[1], harbour.target.tree) == (State.HELD, True, BASE)


def test_it_may_be_cancelled_while_it_waits(harbour: Harbour) -> None:
    other(harbour)
    harbour.wished = "cancel"
    assert (ended(harbour.do(promote, a_run()))[0], harbour.promotions.find(RUN)) == ("cancelled", None)


# ── the operator's command ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_command_that_fails_is_a_promotion_that_is_taken_back_and_says_the_end_of_its_output(harbour: Harbour) -> None:
    harbour.rans = [Ran(False, "`restart` ended with status 3", "\x1b[31mno such unit\n", 0.2)]
    run = harbour.do(promote, a_run())
    (answer,) = (result for result in run.results if result.check == "after")
    assert (answer.outcome, run.course, recorded(harbour).step) == (Outcome.FAIL, Course.TAKE_BACK, Step.PROMOTED)
    assert answer.reason == r"`restart` ended with status 3: \x1b[31mno such unit"
    assert "no such unit" in run.because


def test_a_command_that_is_known_to_have_succeeded_is_not_run_again(harbour: Harbour) -> None:
    left(harbour, Step.PROMOTED)
    harbour.target.tree = TRIED
    harbour.do(promote, a_run(results=(an_answer("after"),)))
    assert harbour.ran == []
    harbour.do(promote, a_run(results=(an_answer("after", Outcome.FAIL),)))
    assert len(harbour.ran) == 1


def test_without_a_command_there_is_no_answer_of_one(tmp_path: Path) -> None:
    plain = Harbour(tmp_path / "state")
    assert [result.check for result in plain.do(promote, a_run()).results] == []


def test_a_target_that_holds_what_was_promoted_last_is_not_the_base_though_every_file_of_the_base_is_there(harbour: Harbour) -> None:
    """A live folder cannot tell a file that only the last promotion has added from one of the service's."""
    begun = harbour.promotions.begin(Promotion(run="other", target=harbour.target.key, before=BASE, after=THEIRS, base="1" * 40))
    harbour.promotions.step(begun, step=Step.CONFIRMED)
    harbour.target.also = (BASE, THEIRS)
    run = harbour.do(promote, a_run())
    assert (harbour.target.tree, recorded(harbour).step, "changed meanwhile" in run.moved) == (BASE, Step.ABANDONED, True)
