"""What people ask of submitted runs, and what comes of it."""

import time

from runner.errors import InfrastructureError, UsageError
from runner.model.promotion import Promotion, Step
from runner.model.result import Outcome, sight
from runner.model.run import Run, State
from runner.model.submission import Answer
from runner.ports import Progress
from runner.store.executors import SUBMIT, WATCH, Executors
from runner.store.places import claim, places
from runner.wiring.carrying import Stores, stores
from runner.wiring.process import carrying, state_of
from runner.wiring.reopening import look
from runner.wiring.rounds import TICK
from runner.wiring.voice import Voice


def ask(run: str, wish: str, who: str, reason: str, progress: Progress) -> Run:
    """Ask for `cancel`, `confirm` or `rollback` and wait for what comes of it; where nobody works on the run, this process does it."""
    with stores(places()) as kept:
        run = kept.runs.find(run)
        was = wished(run, wish, who, reason, kept)
    return _carry_on(run, progress, wish=wish, was=was)


def wished(run: str, wish: str, who: str, reason: str, kept: Stores, *, anywhere: bool = False) -> Step | None:
    """Write down what somebody asks for, and where the promotion was then. Raises UsageError where it means nothing.

    `anywhere`: it is carried where the run is at home, and so its target is looked at there.
    """
    filed, promotion = kept.submissions.load(run), kept.promotions.find(run)
    _check(wish, filed.run, state_of(kept, run), promotion, kept.promotions.standing(filed.run.target))
    if promotion is not None and not promotion.step.open:
        _alone(filed.run, kept)
        if not anywhere or kept.runs.is_here(run):
            look(filed, places().state)
    kept.submissions.wish(run, wish, who, reason)
    return promotion.step if promotion else None


def _check(wish: str, run: Run, state: State, promotion: Promotion | None, last: Promotion | None) -> None:
    """Raises UsageError where that wish means nothing."""
    step = promotion.step if promotion else None
    hint = f"`seatrial run show {run.id}` says where it is."
    if wish == "cancel" and state is State.ENDED:
        raise UsageError(f"run {run.id} has ended", hint=hint)
    if wish == "confirm" and step not in (Step.PROMOTED, Step.STUCK):
        raise UsageError(f"run {run.id} has nothing to confirm: it is {step.value if step else 'not promoted'}", hint=hint)
    if wish == "rollback":
        if step not in (Step.PREPARED, Step.PROMOTED, Step.CONFIRMED, Step.TAKING_BACK, Step.STUCK):
            raise UsageError(f"run {run.id} has nothing to take back: it is {step.value if step else 'not promoted'}", hint=hint)
        if last is not None and last.run != run.id and run.target.startswith("dir:"):
            raise UsageError(
                f"run {last.run} was promoted to the same target since", hint=f"Take that one back first: seatrial rollback {last.run}"
            )


def _alone(run: Run, kept: Stores) -> None:
    """Raises UsageError where the target of a run that has ended is another run's by now."""
    if other := next((one for one in kept.promotions.open() if one.target == run.target and one.run != run.id), None):
        raise UsageError(f"run {other.run} is under way to {run.target}", hint=f"Wait for it: seatrial run wait {other.run}")


def answer(run: str, verb: str, who: str, reason: str, progress: Progress) -> Run:
    """Approve or deny a held run, and carry on with what follows. Raises UsageError when it is not held, or the author approves."""
    with stores(places()) as kept:
        run = kept.runs.find(run)
        leg = answered(run, verb, who, reason, kept)
    with carrying(SUBMIT, Voice(progress, run)) as process:
        process.executor.carry(run, leg)
        return process.follow(run)


def answered(run: str, verb: str, who: str, reason: str, kept: Stores) -> int:
    """Write down that somebody approved or denied a held run, which sets out again; the number of its leg. Raises UsageError."""
    filed, promotion = kept.submissions.load(run), kept.promotions.find(run)
    held = filed.run
    if state_of(kept, run) is not State.HELD:
        raise UsageError(f"run {run} is not held", hint=f"`seatrial run show {run}` says where it is.")
    if filed.expires is not None and kept.promotions.now() >= filed.expires:
        hint = f"`seatrial run resume {run}` ends it; `seatrial run retry {run}` submits the change again then."
        raise UsageError(f"the hold of run {run} has expired", hint=hint)
    if promotion is not None and promotion.step.open:
        other = "confirm" if verb == "approve" else "rollback"
        raise UsageError(f"run {run} is promoted, and waits for its confirmation", hint=f"seatrial {other} {run}")
    if verb == "approve" and who.casefold() in _authors(held):
        raise UsageError(f"{who} is the author of the change, who cannot approve it", hint="Somebody else must look.")
    holding = (result for result in held.results if result.outcome in (Outcome.HOLD, Outcome.UNKNOWN))
    checks = tuple(dict.fromkeys(sight(result, held.change.base_tree) for result in holding))
    said = Answer(
        run=run, answer=verb, who=who, reason=reason, patch_id=held.change.patch_id, policy_digest=held.policy.digest, checks=checks
    )
    return kept.submissions.set_out(run, filed.leg, wish="deny" if verb == "deny" else "", answer=said)


def _authors(run: Run) -> frozenset[str]:
    """All that the author of a change is called by, and the program that wrote it: none of them approves it."""
    claim = run.author.claim
    named = (run.author.name, run.author.agent, claim, claim.partition("@")[0])
    return frozenset(name.casefold() for name in named if name)


def resume(run: str, progress: Progress) -> Run:
    """Go on with a run whose process died or was stopped by a fault, in this process. Raises UsageError when there is nothing to go on with."""
    where = places()
    with stores(where) as kept:
        filed = kept.submissions.load(kept.runs.find(run))
        state, now = state_of(kept, filed.run.id), kept.promotions.now()
    if state is State.ENDED:
        hint = f"`seatrial run retry {filed.run.id}` submits its change again."
        raise UsageError(f"run {filed.run.id} has ended: there is nothing to go on with", hint=hint)
    if state is State.HELD and filed.expires is not None and filed.expires <= now:
        return _carry_on(filed.run.id, progress, wish="expire")
    if state is State.HELD:
        hint = f'`seatrial run approve {filed.run.id} --reason "..."` lets it go on.'
        raise UsageError(f"run {filed.run.id} is held: a person must look", hint=hint)
    return _carry_on(filed.run.id, progress)


def wait(run: str, seconds: float | None) -> Run:
    """Wait until a run is held or has ended, and touch nothing. Raises TimeoutError, and InfrastructureError when nobody works on it."""
    where = places()
    until = None if seconds is None else time.monotonic() + seconds
    executors = Executors(claim(where.state))
    with stores(where) as kept:
        run = kept.runs.find(run)
        while state_of(kept, run) is State.RUNNING:
            if not executors.live(SUBMIT) and not executors.live(WATCH):
                raise InfrastructureError(f"nobody works on run {run}", hint=f"seatrial run resume {run}")
            if until is not None and time.monotonic() >= until:
                raise TimeoutError
            time.sleep(TICK / 2)
        return kept.submissions.load(run).run


def _carry_on(run: str, progress: Progress, *, wish: str = "", was: Step | None = None) -> Run:
    with carrying(SUBMIT, Voice(progress, run)) as process:
        process.go_on(run, wish=wish, was=was)
        process.follow(run)
        process.go_on(run, wish=wish)  # it may have ended just before it could hear the wish
        return process.follow(run)
