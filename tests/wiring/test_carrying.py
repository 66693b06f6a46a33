"""What a leg of a run begins with, and what a run that moved becomes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.errors import Fenced, InfrastructureError
from runner.git.objects import PrivateObjects
from runner.git.trees import Entry
from runner.model.change import Change
from runner.model.promotion import Look, Promotion, Step
from runner.model.result import Decision, Ending, Outcome, Result, Verdict
from runner.model.run import Command, Course, Gates, PolicyFacts, Run, State
from runner.model.submission import Answer, Submission
from runner.policy.stored import stored
from runner.store.places import Places
from runner.wiring.carrying import Carrier, Stores, _begun, again, held, stores
from testing.havens import a_policy

RUN, TARGET = "abc123abc123", "dir:/srv/app"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Stores]:
    with stores(Places(tmp_path / "cache", tmp_path / "state")) as opened:
        yield opened


def a_change(objects: PrivateObjects, files: dict[bytes, bytes]) -> Change:
    base = objects.resolve("HEAD")
    before = objects.tree_of(base)
    tree = objects.rewrite(before, {name: Entry("100644", objects.write_blob(content)) for name, content in files.items()})
    patch_id = objects.patch_id(objects.patch(before, tree))
    return Change(
        base_commit=base,
        base_tree=before,
        tree=tree,
        patch_id=patch_id,
        source="x.diff",
        kind="diff",
        base_label="main",
        files=objects.diff(before, tree),
    )


def a_run(objects: PrivateObjects, **given: Any) -> Run:
    usual: dict[str, Any] = {
        "started": datetime(2026, 11, 22, tzinfo=UTC),
        "repository": str(objects.repository.root),
        "policy": PolicyFacts(source="p.yaml", digest=a_policy().digest),
        "change": a_change(objects, {b"a.txt": b"one\n2\nthree\n"}),
        "target": TARGET,
        "gates": Gates.ENFORCE,
        "command": Command.SUBMIT,
    }
    return Run(id=RUN, **{**usual, **given})


def filed(kept: Stores, run: Run) -> None:
    kept.submissions.file(Submission(run=run, policy=stored(a_policy()), target=TARGET))


HELD = Decision(verdict=Verdict.HOLD, ending=None, reason="look")


def waiting(kept: Stores, run: Run) -> Run:
    left = run.with_(decision=HELD, results=(Result(check="paths", outcome=Outcome.HOLD, reason="look"),))
    filed(kept, run)
    kept.submissions.keep(left, "trial")
    return left


def begun(kept: Stores) -> Run:
    return _begun(kept.submissions.load(RUN), kept)


# ── the beginning of a leg ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_leg_begins_with_what_was_submitted_whatever_was_kept_since(kept: Stores, objects: PrivateObjects) -> None:
    run = a_run(objects)
    waiting(kept, run)
    assert begun(kept) == run


@pytest.mark.parametrize(
    ("wrong", "counts"), [({}, True), ({"patch_id": "9" * 40}, False), ({"policy_digest": "9" * 64}, False), ({"answer": "deny"}, False)]
)
def test_an_approval_counts_for_this_patch_and_this_policy_only(
    kept: Stores, objects: PrivateObjects, wrong: dict[str, str], counts: bool
) -> None:
    left = waiting(kept, a_run(objects))
    said = {"run": left.id, "answer": "approve", "who": "bob", "reason": "fine", "checks": ("paths abc",)}
    right = {"patch_id": left.change.patch_id, "policy_digest": left.policy.digest}
    kept.submissions.set_out(left.id, 1, answer=Answer(**{**said, **right, **wrong}))  # type: ignore[arg-type]
    assert begun(kept).approved == (("paths abc",) if counts else ())
    assert (begun(kept).decision, begun(kept).results) == (None, left.results)


@pytest.mark.parametrize(
    ("wish", "ending"), [("deny", "rejected"), ("expire", "expired"), ("cancel", "cancelled"), ("rollback", "cancelled")]
)
def test_a_held_run_that_sets_out_to_end_ends(kept: Stores, objects: PrivateObjects, wish: str, ending: str) -> None:
    left = waiting(kept, a_run(objects))
    kept.submissions.set_out(left.id, 1, wish=wish)
    found = begun(kept)
    assert found.decision is not None
    assert (found.decision.ending, found.landing) == (ending, False)


@pytest.mark.parametrize("step", [Step.PROMOTED, Step.TAKING_BACK, Step.STUCK, Step.CONFIRMED])
def test_a_run_whose_target_was_touched_lands_and_is_never_ended_by_a_word(kept: Stores, objects: PrivateObjects, step: Step) -> None:
    left = waiting(kept, a_run(objects, course=Course.UNDECIDED))
    intent = kept.promotions.begin(Promotion(run=left.id, target=TARGET, before="b" * 40, after="a" * 40, base="1" * 40))
    kept.promotions.step(intent, step=step)
    kept.submissions.set_out(left.id, 1, wish="rollback")
    assert (begun(kept).landing, begun(kept).decision, begun(kept).course) == (True, None, None)


def test_a_run_whose_promotion_was_given_up_before_it_touched_anything_is_judged_on(kept: Stores, objects: PrivateObjects) -> None:
    left = waiting(kept, a_run(objects))
    intent = kept.promotions.begin(Promotion(run=left.id, target=TARGET, before="b" * 40, after="a" * 40, base="1" * 40))
    kept.promotions.step(intent, step=Step.ABANDONED)
    kept.submissions.set_out(left.id, 1)
    assert begun(kept).landing is False


def test_what_had_ended_stays_ended(kept: Stores, objects: PrivateObjects) -> None:
    run = a_run(objects)
    filed(kept, run)
    ended = run.with_(decision=Decision(verdict=Verdict.REJECT, ending=Ending.REJECTED, reason="no"))
    kept.submissions.keep(ended, "trial")
    kept.runs.finish(ended, "{}", {})
    assert begun(kept) == ended


# ── a target that moved ──────────────────────────────────────────────────────────────────────────────────────────────


def ports(objects: PrivateObjects, kept: Stores, look: Look) -> Any:
    target = SimpleNamespace(look=lambda trees, candidates: look, key=TARGET)
    return SimpleNamespace(target=target, trees=objects, promotions=kept.promotions)


def theirs(objects: PrivateObjects, files: dict[bytes, bytes]) -> Look:
    tree = objects.rewrite(
        objects.tree_of(objects.resolve("HEAD")), {name: Entry("100644", objects.write_blob(content)) for name, content in files.items()}
    )
    return Look(tree=tree, commit="5" * 40)


def test_the_change_is_put_upon_the_new_base_and_nothing_of_the_last_attempt_counts(kept: Stores, objects: PrivateObjects) -> None:
    look = theirs(objects, {b"new.txt": b"theirs\n"})
    run = a_run(objects, moved="it is elsewhere", results=(Result(check="tests", outcome=Outcome.PASS, reason="x"),), course=Course.CONFIRM)
    after = again(run, ports(objects, kept, look), a_policy(), objects)
    assert (after.change.base_tree, after.change.base_commit, after.attempt, after.moved) == (look.tree, "5" * 40, 2, "")
    assert (after.results, after.tests, after.backup, after.course, after.decision) == ((), None, None, None, None)
    assert objects.read(after.change.tree, "new.txt") == b"theirs\n"
    assert objects.read(after.change.tree, "a.txt") == b"one\n2\nthree\n"
    assert after.change.patch_id == run.change.patch_id, "an approval would be lost"
    assert "attempt 1 was upon main: it is elsewhere" in after.notes


@pytest.mark.parametrize(
    ("policy", "attempt", "files", "words"),
    [
        ({"promote": {"when_base_moved": "hold"}}, 1, {b"new.txt": b"x"}, "the policy says to hold"),
        ({}, 3, {b"new.txt": b"x"}, "3 bases were tried"),
        ({"promote": {"attempts": 1}}, 1, {b"new.txt": b"x"}, "1 bases were tried"),
        ({}, 1, {b"a.txt": b"all\nelse\n"}, "does not apply"),
    ],
)
def test_what_may_or_can_not_be_tried_again_is_held(
    kept: Stores, objects: PrivateObjects, policy: dict[str, Any], attempt: int, files: dict[bytes, bytes], words: str
) -> None:
    run = a_run(objects, moved="it is elsewhere", attempt=attempt)
    after = again(run, ports(objects, kept, theirs(objects, files)), a_policy(**policy), objects)
    assert after.decision is not None
    assert (after.state, words in after.decision.reason, after.moved) == (State.HELD, True, "")
    assert [result.check for result in after.results] == ["target"]


def test_a_target_that_nobody_knows_is_held_with_what_was_edited(kept: Stores, objects: PrivateObjects) -> None:
    after = again(a_run(objects, moved="x"), ports(objects, kept, Look(edited=("a.txt",), reason="a.txt was edited")), a_policy(), objects)
    assert after.decision is not None
    assert (after.state, after.decision.reason) == (
        State.HELD,
        "somebody else changed the target: a.txt there is not as we know them; put that right first",
    )


def test_a_hold_replaces_what_was_said_of_the_target(objects: PrivateObjects) -> None:
    run = a_run(
        objects, results=(Result(check="target", outcome=Outcome.PASS, reason="x"), Result(check="tests", outcome=Outcome.PASS, reason="y"))
    )
    assert [(result.check, result.outcome) for result in held(run, a_policy(), "why").results] == [("tests", "pass"), ("target", "hold")]


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fault_ends_a_run_whose_target_was_not_touched_and_no_other(kept: Stores, objects: PrivateObjects, tmp_path: Path) -> None:
    run = a_run(objects)
    filed(kept, run)
    left = kept.submissions.load(run.id)
    carrier = Carrier(Places(tmp_path / "cache", tmp_path / "state"), lambda _: None, lambda _: None)  # type: ignore[arg-type,return-value]
    problem = InfrastructureError("the disk is full", hint="make room")
    failed = carrier._failed(run, problem, left, kept)
    assert failed.decision is not None
    assert (failed.decision.ending, failed.decision.reason) == ("failed", "the disk is full (make room)")
    assert kept.runs.show(run.id).ending == "failed"
    with pytest.raises(Fenced):
        carrier._failed(run, Fenced("somebody else"), left, kept)
    kept.promotions.begin(Promotion(run=run.id, target=TARGET, before="b" * 40, after="a" * 40, base="1" * 40))
    with pytest.raises(InfrastructureError):
        carrier._failed(run, problem, left, kept)
