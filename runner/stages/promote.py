"""Promote: the tried tree becomes the target's in one atomic step, with the intent on disk before it and the deadline armed."""

from contextlib import suppress
from typing import Final

from runner.crashpoints import crashpoint
from runner.errors import Fenced, InfrastructureError, SeatrialError, TargetMoved
from runner.model.promotion import Place, Promotion, Step
from runner.model.result import Cause, Decision, Ending, Outcome, Result, Verdict
from runner.model.run import Command, Course, Run
from runner.model.text import cut, printable
from runner.policy.load import Loaded
from runner.ports import LandingPorts
from runner.stages.aim import candidates, edited
from runner.stages.recheck import recheck
from runner.stages.told import landed, sentence
from runner.targets.message import message

CHECK: Final = "promote"
AFTER: Final = "after"
STOPS: Final = ("cancel", "rollback", "deny", "expire")
"""Wishes after which nothing is promoted any more."""
CANCELLED: Final = "it was cancelled before anything was promoted"
_POLL = 0.5
_GRACE = 60.0
"""Seconds beyond its deadline that a promotion in the way is waited for."""


def promote(run: Run, ports: LandingPorts, policy: Loaded) -> Run:
    """Bring the change to its target, or go on with what a killed process began. `moved` when the target is not the base any more."""
    ports.progress.stage(CHECK)
    found = ports.promotions.find(run.id)
    promotion: Promotion | None = None
    if found is not None and found.step is not Step.ABANDONED:
        promotion, run = _taken_over(found, run, ports)
    if promotion is None and not _closed(run):
        promotion, run = _begun(run, ports, policy)
    if promotion is None or _closed(run) or promotion.step is not Step.PROMOTED:
        return run if promotion is None else landed(run, promotion)
    return _used(landed(run, promotion), ports, policy)


def _closed(run: Run) -> bool:
    """Whether this stage has its answer without a promotion."""
    return bool(run.moved) or (run.decision is not None and run.decision.verdict is not Verdict.ACCEPT)


def _taken_over(found: Promotion, run: Run, ports: LandingPorts) -> tuple[Promotion | None, Run]:
    """Where a promotion stands that another process, or an earlier attempt of this one, worked on. None: nothing was touched, begin again."""
    if not found.step.open:
        return found, run
    promotion = ports.promotions.take(found)
    crashpoint("promote.taken")
    standing = ports.target.recover(promotion, ports.trees)
    crashpoint("promote.recovered")
    if promotion.step is Step.TAKING_BACK:
        return promotion, run.with_(course=Course.TAKE_BACK, because=promotion.note)
    if promotion.step is Step.PROMOTED:
        return promotion, run
    touched = promotion.step is not Step.INTENDED  # else, what the target is by now others have made it: preparation is on file before
    if touched and standing.place is Place.NEW:
        promoted = promotion.promoted or ports.promotions.now()
        return ports.promotions.step(promotion, step=Step.PROMOTED, promoted=promoted, note="the process that made it died"), run
    if standing.place is Place.OLD or not touched:
        _abandon(promotion, ports, "the process died before the target was touched")
        return None, run
    note = f"{standing.reason}; it cannot be told whether the promotion was made"
    return ports.promotions.step(promotion, step=Step.STUCK, note=note), run.with_(because=note)


def _begun(run: Run, ports: LandingPorts, policy: Loaded) -> tuple[Promotion | None, Run]:
    """Intent, preparation, last look, atomic step; each on disk before the next."""
    crashpoint("promote.intending")
    promotion, run = _intent(run, ports, policy)
    if promotion is None:
        return None, run
    crashpoint("promote.intended")
    try:
        prepared = ports.target.prepare(promotion, ports.trees)
        crashpoint("promote.prepared")
        baseline = {name: tuple(values) for name, values in ports.baseline().items()}
        deadline = ports.promotions.now() + policy.policy.monitor.deadline
        promotion = ports.promotions.step(prepared, step=Step.PREPARED, deadline=deadline, baseline=baseline)
        crashpoint("promote.armed")
        if ports.wish() in STOPS:
            _abandon(promotion, ports, CANCELLED)
            return None, _cancelled(run)
        if run.command is not Command.RESTORE and (why := recheck(run, ports, policy)):
            _abandon(promotion, ports, why)
            return None, _held(run, policy, why)
        crashpoint("promote.rechecked")
        ports.promotions.check(promotion)
        ports.target.swap(promotion, ports.trees)
    except TargetMoved as moved:
        _abandon(promotion, ports, str(moved))
        return None, run.with_(moved=str(moved))
    except Fenced:
        if promotion.step is Step.INTENDED:  # frozen since before it was prepared: whoever took over knows nothing of what was laid now
            with suppress(SeatrialError, OSError):
                ports.target.tidy(promotion, ports.trees)
        raise
    except (InfrastructureError, OSError) as problem:
        return _failed(run, promotion, ports, policy, problem)
    crashpoint("promote.swapped")
    now = ports.promotions.now()
    promotion = ports.promotions.step(promotion, step=Step.PROMOTED, promoted=now, deadline=now + policy.policy.monitor.deadline)
    crashpoint("promote.recorded")
    return promotion, run


def _intent(run: Run, ports: LandingPorts, policy: Loaded) -> tuple[Promotion | None, Run]:
    """The intent, once no other promotion of the target is under way."""
    if run.backup is None:  # promise 4, whoever calls
        raise InfrastructureError(f"run {run.id} has no verified backup of what the target is")
    look = ports.target.look(ports.trees, (run.change.base_tree,))
    wanted = Promotion(
        run=run.id,
        target=run.target,
        before=run.change.base_tree,
        after=run.change.tree,
        base=look.commit or run.change.base_commit,
        patch_id=run.change.patch_id,
        backup=run.backup.id,
        message=message(run),
        when=int(run.started.timestamp()),
        deadline=ports.promotions.now() + policy.policy.monitor.deadline + _GRACE,  # of a process that hangs before it is armed
    )
    told, began = "", ports.promotions.now()
    while (promotion := ports.promotions.begin(wanted)).run != run.id:
        ports.blocked(promotion)
        if ports.wish() in STOPS:
            return None, _cancelled(run)
        latest = promotion.deadline if promotion.step.open else began
        if latest is not None and ports.promotions.now() > latest + _GRACE:
            return None, _held(
                run, policy, f"run {promotion.run} holds the target beyond its deadline; `seatrial run show {promotion.run}`"
            )
        if promotion.run != told:
            what = "is not confirmed yet" if promotion.step.open else "is not tidied yet"
            ports.progress.note(f"waiting for run {promotion.run}, whose promotion to the same target {what}")
            told = promotion.run
        ports.pause(_POLL)
    if why := _elsewhere(run, ports, told):
        _abandon(promotion, ports, why)
        return None, run.with_(moved=why)
    return promotion, run


def _elsewhere(run: Run, ports: LandingPorts, told: str) -> str:
    """Why the target is not the base any more, now that no other promotion can begin; empty when it is.

    It is asked about what was promoted last, too: files that only that one has added are nothing that base and change know of.
    """
    look = ports.target.look(ports.trees, candidates(run, ports))
    if look.absent or look.tree == run.change.base_tree:
        return ""
    if told:
        return f"run {told} has changed the target meanwhile"
    return f"{run.target} was changed meanwhile: it holds tree {look.tree[:12]}" if look.tree else edited(look)


def _used(run: Run, ports: LandingPorts, policy: Loaded) -> Run:
    """Make the service use what was promoted; when that fails the promotion is taken back."""
    crashpoint("promote.after.before")
    command = policy.policy.promote.after
    done = any(result.check == AFTER and result.outcome is Outcome.PASS for result in run.results)
    if command is None or run.course is not None or done:
        return run
    ran = ports.command(command.command, command.timeout, variables(run, run.change.tree))
    crashpoint("promote.after.done")
    said = f": {cut(printable(ran.said.strip()), 300)}" if ran.said.strip() and not ran.ok else ""
    outcome = Outcome.PASS if ran.ok else Outcome.FAIL
    answer = Result(
        check=AFTER, outcome=outcome, reason=f"{ran.reason}{said}", measured=round(ran.seconds, 3), policy=policy.where("promote.after")
    )
    run = run.with_(results=(*(result for result in run.results if result.check != AFTER), answer))
    return run if ran.ok else run.with_(course=Course.TAKE_BACK, because=f"the command of promote.after failed: {ran.reason}{said}")


def variables(run: Run, tree: str) -> dict[str, str]:
    """What the operator's commands are told: the run, its target, and the tree that the target holds now."""
    return {"SEATRIAL_RUN": run.id, "SEATRIAL_TARGET": run.target, "SEATRIAL_TREE": tree}


def _cancelled(run: Run) -> Run:
    return run.with_(decision=Decision(verdict=None, ending=Ending.CANCELLED, reason=CANCELLED))


def _abandon(promotion: Promotion, ports: LandingPorts, why: str) -> None:
    """Nothing was touched: remove what lies beside, then write it down."""
    ports.target.tidy(promotion, ports.trees)
    crashpoint("promote.tidied")
    ports.promotions.step(promotion, step=Step.ABANDONED, note=why)
    crashpoint("promote.abandoned")


def _held(run: Run, policy: Loaded, why: str) -> Run:
    answer = Result(check=CHECK, outcome=Outcome.HOLD, reason=why, policy=policy.where(CHECK))
    return run.with_(results=(*run.results, answer), decision=Decision(verdict=Verdict.HOLD, ending=None, reason=why))


def _failed(
    run: Run, promotion: Promotion, ports: LandingPorts, policy: Loaded, problem: InfrastructureError | OSError
) -> tuple[Promotion | None, Run]:
    """The machine is at fault: look where the target stands, and leave it old, or go on from new. Raises Fenced when it is another's by now."""
    promotion = ports.promotions.take(promotion)
    standing = ports.target.recover(promotion, ports.trees)
    touched = promotion.step is not Step.INTENDED
    if touched and standing.place is Place.NEW:
        why = f"the promotion was made, and then: {sentence(problem)}"
        deadline = ports.promotions.now() + policy.policy.monitor.deadline
        promotion = ports.promotions.step(promotion, step=Step.PROMOTED, promoted=ports.promotions.now(), deadline=deadline, note=why)
        return promotion, run.with_(course=Course.TAKE_BACK, because=why)
    why = sentence(problem)
    if touched and standing.place is Place.OTHER:
        promotion = ports.promotions.step(promotion, step=Step.STUCK, note=f"{why}; {standing.reason}")
        return promotion, run.with_(because=promotion.note)
    _abandon(promotion, ports, why)
    answer = Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.INFRASTRUCTURE, reason=why, policy=policy.where(CHECK))
    return None, run.with_(results=(*run.results, answer), decision=Decision(verdict=None, ending=Ending.FAILED, reason=why))
