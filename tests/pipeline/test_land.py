"""The straight line of a submission: which stages follow which, once each, and what a person may say in between."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ChangeRefused, InfrastructureError
from runner.model.promotion import Step
from runner.model.result import Outcome, sight
from runner.model.run import Course, Run, State
from runner.model.suite import Comparison
from runner.pipeline import land as module
from runner.pipeline import through
from runner.pipeline.land import land
from runner.ports import Watched
from runner.stages.trial import CHECKS
from testing.havens import BASE, THEIRS, TRIED, Harbour, a_run, an_answer

Stage = Callable[[Run, Any, Any], Run]
LINE = ["preflight", "aim", "validate", "trial", "backup", "promote", "monitor", "settle"]


def answering(name: str, *answers: Any, **given: Any) -> Stage:
    """A stage of that name that adds these answers."""

    def stage(run: Run, ports: Any, policy: Any) -> Run:
        return run.with_(results=(*run.results, *answers), **given)

    stage.__name__ = name
    return stage


@pytest.fixture
def harbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    """The real stages that deal with the target, and stand-ins for those that judge."""
    judged(monkeypatch)
    return Harbour(tmp_path / "state")


def judged(monkeypatch: pytest.MonkeyPatch, **stages: Stage) -> None:
    usual: dict[str, Stage] = {
        "preflight": answering("preflight"),
        "aim": module.aim,
        "validate": answering("validate"),
        "trial": answering("trial", *(an_answer(check) for check in CHECKS), tests=Comparison()),
    }
    usual |= stages
    monkeypatch.setattr(module, "JUDGED", tuple(usual.values()))
    monkeypatch.setattr(module, "AGAIN", (usual["preflight"], usual["aim"]))


class Kept:
    """Carries stages out once: what they gave is told again, as after a crash."""

    def __init__(self, harbour: Harbour, die_after: str = "") -> None:
        self.harbour, self.die_after = harbour, die_after
        self.told: dict[str, str] = {}
        self.done: list[str] = []

    def __call__(self, stage: Stage, run: Run) -> Run:
        name = f"{run.attempt}.{stage.__name__}"
        if name not in self.told:
            self.done.append(stage.__name__)
            self.told[name] = through(stage, run, self.harbour, self.harbour.policy).model_dump_json()
            if stage.__name__ == self.die_after:
                raise KeyboardInterrupt
        return Run.model_validate_json(self.told[name])


def carried(harbour: Harbour, run: Run | None = None) -> tuple[Run, list[str]]:
    do = Kept(harbour)
    return land(run or a_run(backup=None), harbour, do), do.done  # type: ignore[arg-type]


def ending(run: Run) -> str | None:
    return run.decision.ending if run.decision else None


def test_an_accepted_change_goes_the_whole_way(harbour: Harbour) -> None:
    run, done = carried(harbour)
    assert (ending(run), done, harbour.target.tree) == ("confirmed", LINE, TRIED)
    assert set(LINE) <= set(run.timings)


@pytest.mark.parametrize("stage", LINE)
def test_after_a_crash_behind_any_stage_it_ends_the_same_way_and_does_nothing_twice(harbour: Harbour, stage: str) -> None:
    do = Kept(harbour, die_after=stage)
    with pytest.raises(KeyboardInterrupt):
        land(a_run(backup=None), harbour, do)  # type: ignore[arg-type]
    do.die_after = ""
    run = land(a_run(backup=None), harbour, do)  # type: ignore[arg-type]
    assert (ending(run), do.done, harbour.target.tree) == ("confirmed", LINE, TRIED)
    assert harbour.watches == 1
    assert harbour.target.calls.count("swap") == 1


@pytest.mark.parametrize(
    ("answer", "ending_", "last"),
    [(an_answer("x", Outcome.FAIL), "rejected", "trial"), (an_answer("x", Outcome.HOLD), None, "trial")],
)
def test_nothing_but_what_was_accepted_is_backed_up_or_promoted(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch, answer: Any, ending_: str | None, last: str
) -> None:
    judged(monkeypatch, validate=answering("validate", answer))
    run, done = carried(harbour)
    assert (ending(run), done[-1], harbour.target.tree, run.backup) == (ending_, last, BASE, None)


def test_a_gate_that_refuses_ends_the_line_before_the_target_is_looked_at(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = an_answer("rate", Outcome.REFUSE, retry_after=5.0)
    judged(monkeypatch, preflight=answering("preflight", refusal))
    run, done = carried(harbour)
    assert (ending(run), done, harbour.target.calls) == ("refused", ["preflight"], [])


def test_a_check_without_an_answer_holds(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    judged(monkeypatch, trial=answering("trial", *(an_answer(check) for check in CHECKS[1:])))
    assert carried(harbour)[0].state is State.HELD


def test_a_change_that_a_stage_refuses_is_rejected(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(run: Run, ports: Any, policy: Any) -> Run:
        raise ChangeRefused("it does not apply")

    judged(monkeypatch, validate=validate)
    run, done = carried(harbour)
    assert (ending(run), done) == ("rejected", ["preflight", "aim", "validate"])


def test_a_target_that_moved_ends_the_attempt_without_a_decision(harbour: Harbour) -> None:
    harbour.target.seen = lambda name: setattr(harbour.target, "tree", THEIRS if name == "swap" else harbour.target.tree)
    run, done = carried(harbour)
    assert (run.decision is None or run.decision.ending is None, run.moved, done[-1]) == (True, "somebody else was here", "promote")
    assert harbour.target.tree == THEIRS


def test_a_backup_that_cannot_be_kept_fails_the_run(harbour: Harbour) -> None:
    harbour.vault.problem = InfrastructureError("the vault is full")
    run, done = carried(harbour)
    assert (ending(run), done[-1], harbour.target.tree) == ("failed", "backup", BASE)


def test_what_cannot_be_told_by_the_backup_is_never_promoted_by_an_approval(harbour: Harbour) -> None:
    harbour.vault.problem = InfrastructureError("the vault is full")
    run, _ = carried(harbour, a_run(backup=None, approved=("backup",)))
    assert (ending(run) != "confirmed", harbour.target.tree) == (True, BASE)


@pytest.mark.parametrize(
    ("wish", "ending_"), [("cancel", "cancelled"), ("rollback", "cancelled"), ("deny", "rejected"), ("expire", "expired")]
)
@pytest.mark.parametrize("stage", ["preflight", "validate", "trial"])
def test_what_a_person_asks_for_before_the_promotion_ends_the_line_behind_the_stage(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch, stage: str, wish: str, ending_: str
) -> None:
    def asked(run: Run, ports: Any, policy: Any) -> Run:
        harbour.wished = wish
        return answering(stage, *(an_answer(check) for check in CHECKS))(run, ports, policy)

    asked.__name__ = stage
    judged(monkeypatch, **{stage: asked})
    run, done = carried(harbour)
    assert (ending(run), done[-1], harbour.target.tree) == (ending_, stage, BASE)


def test_a_confirmation_before_there_is_anything_to_confirm_stops_nothing(harbour: Harbour) -> None:
    harbour.wished = "confirm"
    assert ending(carried(harbour)[0]) == "confirmed"


# ── an approved run ──────────────────────────────────────────────────────────────────────────────────────────────────


def answered(**given: Any) -> Run:
    """A run that was held, and approved."""
    looked_at = an_answer("paths", Outcome.HOLD)
    results = (an_answer("target"), looked_at, *(an_answer(check) for check in CHECKS))
    return a_run(backup=None, results=results, tests=Comparison(), approved=(sight(looked_at, BASE),), **given)


def test_of_an_approved_run_only_the_gates_and_the_target_are_asked_again(harbour: Harbour) -> None:
    run, done = carried(harbour, answered())
    assert (ending(run), done) == ("confirmed", ["preflight", "aim", *LINE[4:]])
    assert len([result for result in run.results if result.check == "target"]) == 1


def test_an_approval_outweighs_no_failure_and_nothing_else_that_holds(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = answered()
    failure = an_answer("tests", Outcome.FAIL)
    failed = failed.with_(results=(*failed.results, failure), approved=(*failed.approved, sight(failure, BASE)))
    assert ending(carried(harbour, failed)[0]) == "rejected"
    harbour.target.in_the_way = "there is no room"
    run, done = carried(harbour, answered())
    assert (run.state, done, harbour.target.tree) == (State.HELD, ["preflight", "aim"], BASE)


def test_a_run_that_was_approved_before_it_was_tried_is_tried(harbour: Harbour) -> None:
    _, done = carried(harbour, a_run(backup=None, approved=("paths",)))
    assert done == LINE


# ── a leg that begins behind the promotion ───────────────────────────────────────────────────────────────────────────


def test_a_leg_that_begins_with_a_promotion_under_way_judges_nothing_again(harbour: Harbour) -> None:
    harbour.watched = Watched(Course.UNDECIDED, "no probe", ())
    carried(harbour)
    found = harbour.promotions.find("abc123abc123")
    assert found is not None
    assert found.step is Step.ROLLED_BACK
    run, done = carried(harbour, a_run(landing=True))
    assert (ending(run), done) == ("rolled_back", ["promote", "monitor", "settle"])


def test_a_leg_that_was_to_go_on_with_a_promotion_that_never_began_does_not_begin_one(harbour: Harbour) -> None:
    with pytest.raises(InfrastructureError, match="no verified backup"):
        carried(harbour, a_run(backup=None, landing=True))
    assert harbour.target.tree == BASE
