"""How a promotion ends: confirmed, taken back and read again, waiting for a person, or stuck."""

from pathlib import Path
from typing import Any

import pytest

from runner.errors import Fenced, InfrastructureError
from runner.model.promotion import Promotion, Step
from runner.model.run import Course, Run, State
from runner.ports import Ran
from runner.stages.settle import settle
from runner.store.promotions import SqlPromotions
from testing.havens import BASE, THEIRS, TRIED, Harbour, a_run

RUN = "abc123abc123"
FAULT = InfrastructureError("the disk does not answer")


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return promoted(Harbour(tmp_path / "state", promote={"after": {"command": ["restart"]}}))


def promoted(harbour: Harbour, step: Step = Step.PROMOTED, **given: Any) -> Harbour:
    begun = harbour.promotions.begin(Promotion(run=RUN, target=harbour.target.key, before=BASE, after=TRIED, base="1" * 40))
    harbour.promotions.step(begun, step=step, method="exchange", **given)
    harbour.target.tree = TRIED
    return harbour


def recorded(harbour: Harbour) -> Promotion:
    found = harbour.promotions.find(RUN)
    assert found is not None
    return found


def ending(run: Run) -> str | None:
    return run.decision.ending if run.decision else None


def test_what_is_well_is_confirmed_and_tidied(harbour: Harbour) -> None:
    run = harbour.do(settle, a_run(course=Course.CONFIRM, because="all is well"))
    assert (ending(run), recorded(harbour).step, recorded(harbour).note) == ("confirmed", Step.CONFIRMED, "all is well")
    assert (harbour.target.calls, harbour.vault.released, harbour.ran) == (["recover", "tidy"], [RUN], [])


def test_what_does_harm_is_taken_back_used_and_read_again_and_then_tidied(harbour: Harbour) -> None:
    run = harbour.do(settle, a_run(course=Course.TAKE_BACK, because="three failures"))
    assert (ending(run), recorded(harbour).step, harbour.target.tree) == ("rolled_back", Step.ROLLED_BACK, BASE)
    assert harbour.target.calls == ["take_back", "verify", "tidy"]
    assert [variables["SEATRIAL_TREE"] for _, variables in harbour.ran] == [BASE]
    assert run.promotion is not None
    assert run.promotion.recovery is not None
    assert run.decision is not None
    assert run.decision.reason == "three failures"


def test_rollback_after_stands_for_promote_after(tmp_path: Path) -> None:
    harbour = promoted(
        Harbour(tmp_path / "state", promote={"after": {"command": ["restart"]}}, rollback={"after": {"command": ["reload"]}})
    )
    harbour.do(settle, a_run(course=Course.TAKE_BACK))
    assert [argv for argv, _ in harbour.ran] == [("reload",)]


@pytest.mark.parametrize("method", ["take_back", "verify"])
def test_a_fault_is_tried_again_and_every_attempt_is_on_record_before_it_begins(harbour: Harbour, method: str) -> None:
    harbour.target.problems[method] = [FAULT, OSError(5, "Input/output error")]
    attempts = []
    harbour.target.seen = lambda name: attempts.append(recorded(harbour).attempts) if name == "take_back" else None
    run = harbour.do(settle, a_run(course=Course.TAKE_BACK))
    assert (ending(run), attempts, harbour.paused) == ("rolled_back", [1, 2, 3], [1.0, 1.0])


def test_after_as_many_attempts_as_the_policy_allows_a_person_must_act_and_what_lies_beside_stays(harbour: Harbour) -> None:
    harbour.target.problems["take_back"] = [FAULT] * 9
    run = harbour.do(settle, a_run(course=Course.TAKE_BACK, because="three failures"))
    assert (ending(run), recorded(harbour).step, recorded(harbour).attempts) == ("stuck", Step.STUCK, 3)
    assert "tidy" not in harbour.target.calls
    assert harbour.vault.released == []
    assert "taking it back failed 3 times: the disk does not answer" in recorded(harbour).note


def test_attempts_of_processes_that_died_count(tmp_path: Path) -> None:
    harbour = promoted(Harbour(tmp_path / "state"), Step.TAKING_BACK, attempts=3, note="it did harm")
    run = harbour.do(settle, a_run(course=Course.TAKE_BACK))
    assert (ending(run), harbour.target.calls) == ("stuck", [])
    assert "the process died each time" in recorded(harbour).note


@pytest.mark.parametrize("failing", ["command", "verify"])
def test_a_service_that_does_not_use_its_old_content_and_a_digest_that_differs_are_no_rollback(harbour: Harbour, failing: str) -> None:
    if failing == "command":
        harbour.rans = [Ran(False, "`restart` ended with status 1", "no", 0.1)] * 3
    else:
        harbour.target.differs = "a.py is not as in the tree"
    run = harbour.do(settle, a_run(course=Course.TAKE_BACK))
    assert (ending(run), recorded(harbour).step) == ("stuck", Step.STUCK)
    assert ("rollback.after failed" if failing == "command" else "a.py is not") in recorded(harbour).note


def test_a_target_that_somebody_else_changed_is_left_alone_at_once(harbour: Harbour) -> None:
    harbour.target.tree = THEIRS
    run = harbour.do(settle, a_run(course=Course.TAKE_BACK))
    assert (ending(run), harbour.target.tree, harbour.target.calls, harbour.ran) == ("stuck", THEIRS, ["take_back"], [])


def test_what_could_not_be_tidied_is_said_and_changes_no_ending(harbour: Harbour) -> None:
    harbour.target.problems["tidy"] = [FAULT]
    run = harbour.do(settle, a_run(course=Course.CONFIRM))
    assert (ending(run), "something was left beside the target" in run.notes[0]) == ("confirmed", True)


def test_whoever_was_taken_over_takes_nothing_back(harbour: Harbour) -> None:
    found = recorded(harbour)
    SqlPromotions(harbour.state).take(found)
    harbour.promotions.find = lambda run: found  # type: ignore[method-assign,assignment]
    with pytest.raises(Fenced):
        harbour.do(settle, a_run(course=Course.TAKE_BACK))
    assert harbour.target.tree == TRIED


@pytest.mark.parametrize(("tree", "told"), [(BASE, "rolled_back"), (THEIRS, "stuck")])
def test_what_somebody_else_has_changed_since_the_probes_looked_is_not_confirmed(harbour: Harbour, tree: str, told: str) -> None:
    harbour.target.tree = tree
    run = harbour.do(settle, a_run(course=Course.CONFIRM, because="all is well"))
    assert (ending(run), harbour.target.tree) == (told, tree)


def test_what_a_person_asks_for_after_the_probes_have_decided_counts(harbour: Harbour) -> None:
    harbour.wished = "rollback"
    assert ending(harbour.do(settle, a_run(course=Course.CONFIRM))) == "rolled_back"


def test_what_was_not_watched_is_not_confirmed(harbour: Harbour) -> None:
    with pytest.raises(InfrastructureError, match="not watched"):
        harbour.do(settle, a_run())


# ── undecided ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_undecided_is_taken_back_unless_the_policy_holds_it(harbour: Harbour, tmp_path: Path) -> None:
    assert ending(harbour.do(settle, a_run(course=Course.UNDECIDED, because="the deadline came"))) == "rolled_back"
    holding = promoted(Harbour(tmp_path / "other", monitor={"on_undecided": "hold"}))
    run = holding.do(settle, a_run(course=Course.UNDECIDED, because="the deadline came"))
    assert (run.state, recorded(holding).step, holding.target.tree) == (State.HELD, Step.PROMOTED, TRIED)


# ── what a person asks for afterwards ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", [Step.CONFIRMED, Step.STUCK])
def test_what_had_ended_is_taken_back_when_a_person_asks_for_it_with_attempts_counted_anew(tmp_path: Path, step: Step) -> None:
    harbour = promoted(Harbour(tmp_path / "state"), step, attempts=3)
    run = harbour.do(settle, a_run(wish="rollback", fence=1))
    assert (ending(run), recorded(harbour).step, recorded(harbour).attempts, harbour.target.tree) == (
        "rolled_back",
        Step.ROLLED_BACK,
        1,
        BASE,
    )


def test_what_is_stuck_is_confirmed_when_a_person_has_looked(tmp_path: Path) -> None:
    harbour = promoted(Harbour(tmp_path / "state"), Step.STUCK)
    assert (ending(harbour.do(settle, a_run(wish="confirm", fence=1))), recorded(harbour).step) == ("confirmed", Step.CONFIRMED)


@pytest.mark.parametrize(("step", "told"), [(Step.CONFIRMED, "confirmed"), (Step.ROLLED_BACK, "rolled_back"), (Step.STUCK, "stuck")])
def test_what_has_ended_ends_the_same_way_again(tmp_path: Path, step: Step, told: str) -> None:
    harbour = promoted(Harbour(tmp_path / "state"), step)
    for _ in range(2):
        run = harbour.do(settle, a_run())
    assert (ending(run), harbour.target.tree, harbour.ran) == (told, TRIED, [])


def test_nothing_was_promoted_nothing_is_settled(tmp_path: Path) -> None:
    assert Harbour(tmp_path / "state").do(settle, a_run()) == a_run()
