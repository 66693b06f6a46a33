"""Settle: a promotion is confirmed, or the target is made what it was and read again; what cannot be verified waits for a person."""

from typing import Final

from runner.crashpoints import crashpoint
from runner.errors import InfrastructureError
from runner.model.promotion import Place, Promotion, Standing, Step
from runner.model.result import Cause, Decision, Ending, Outcome, Result, Verdict
from runner.model.run import Course, Run
from runner.model.text import cut, printable
from runner.policy.load import Loaded
from runner.ports import LandingPorts
from runner.stages.owned import owned
from runner.stages.promote import STOPS, variables
from runner.stages.told import landed, sentence

CHECK: Final = "rollback"
_PAUSE = 1.0


def settle(run: Run, ports: LandingPorts, policy: Loaded) -> Run:
    """End the run by its course; begun again after a crash it ends the same way."""
    promotion = ports.promotions.find(run.id)
    if promotion is None:
        return run
    ports.progress.stage("settle")
    promotion, run = _reopened(promotion, run, ports)
    if promotion.step is Step.CONFIRMED:
        return _confirmed(run, promotion, ports)
    if promotion.step in (Step.ROLLED_BACK, Step.STUCK):
        return _ended(run, promotion, ports)
    promotion = owned(promotion, ports)
    if promotion.step is Step.TAKING_BACK or _gives_up(run, policy) or _changed_their_mind(run, ports):
        return _taken_back(run, promotion, ports, policy)
    return _kept(run, promotion, ports, policy)


def _kept(run: Run, promotion: Promotion, ports: LandingPorts, policy: Loaded) -> Run:
    """Confirm what the target is found to hold, or let it wait for a person. Raises InfrastructureError for what was not watched."""
    if run.course is Course.UNDECIDED:
        return landed(run, promotion).with_(decision=Decision(verdict=Verdict.HOLD, ending=None, reason=run.because))
    if run.course is not Course.CONFIRM:
        raise InfrastructureError(f"run {run.id} was not watched: it cannot be confirmed")
    standing = ports.target.recover(promotion, ports.trees)
    if standing.place is not Place.NEW:
        return _gone(run, promotion, standing, ports, policy)
    promotion = ports.promotions.step(promotion, step=Step.CONFIRMED, note=run.because)
    crashpoint("settle.confirmed")
    return _confirmed(run, promotion, ports)


def _changed_their_mind(run: Run, ports: LandingPorts) -> bool:
    """Whether it is to be taken back: by its course, or because a person asked after the probes had decided."""
    return run.course is Course.TAKE_BACK or (run.course is Course.CONFIRM and ports.wish() in STOPS)


def _gone(run: Run, promotion: Promotion, standing: Standing, ports: LandingPorts, policy: Loaded) -> Run:
    """The probes were content with something else: somebody has changed the target meanwhile."""
    if standing.place is Place.OLD:
        why = "somebody else made the target what it was before"
        promotion = ports.promotions.step(promotion, step=Step.ROLLED_BACK, note=why)
        return _ended(run, promotion, ports)
    return _stuck(run, promotion, ports, policy, f"it cannot be confirmed: {standing.reason}")


def _reopened(promotion: Promotion, run: Run, ports: LandingPorts) -> tuple[Promotion, Run]:
    """What had ended, and a person has asked to take back, or found well after all; once, however often this leg is begun again."""
    if promotion.step not in (Step.CONFIRMED, Step.STUCK) or promotion.fence != run.fence:
        return promotion, run
    if run.wish == "rollback":
        promotion = ports.promotions.take(promotion)
        why = "a person asked for it"
        return ports.promotions.step(promotion, step=Step.TAKING_BACK, attempts=0, decided=None, note=why), run.with_(because=why)
    if promotion.step is Step.STUCK and run.wish == "confirm":
        promotion = ports.promotions.take(promotion)
        return ports.promotions.step(promotion, step=Step.CONFIRMED, note="a person looked at it and confirmed what is there"), run
    return promotion, run


def _gives_up(run: Run, policy: Loaded) -> bool:
    return run.course is Course.UNDECIDED and policy.policy.monitor.on_undecided == "rollback"


def _confirmed(run: Run, promotion: Promotion, ports: LandingPorts) -> Run:
    run = _tidied(run, promotion, ports)
    why = promotion.note or "it was confirmed"
    return landed(run, promotion).with_(decision=Decision(verdict=Verdict.ACCEPT, ending=Ending.CONFIRMED, reason=why))


def _taken_back(run: Run, promotion: Promotion, ports: LandingPorts, policy: Loaded) -> Run:
    """Try as often as the policy says; each attempt is on disk before it begins, so that a crash counts as one."""
    why = run.because or promotion.note
    most = policy.policy.rollback.attempts
    said = ""
    while promotion.attempts < most:
        decided = promotion.decided or ports.promotions.now()
        promotion = ports.promotions.step(
            promotion, step=Step.TAKING_BACK, attempts=promotion.attempts + 1, decided=decided, note=why, stopped=run.stopped
        )
        crashpoint("settle.taking_back")
        try:
            ports.promotions.check(promotion)
            standing = ports.target.take_back(promotion, ports.trees)
            crashpoint("settle.taken_back")
            if standing.place is not Place.OLD:
                return _stuck(run, promotion, ports, policy, f"{why}; it was not taken back: {standing.reason}")
            said = _after(run, ports, policy) or ports.target.verify(promotion, ports.trees, standing.tree)
            crashpoint("settle.verified")
        except (InfrastructureError, OSError) as problem:
            said = sentence(problem)
        if not said:
            recovery = round(ports.promotions.now() - decided, 3)
            promotion = ports.promotions.step(promotion, step=Step.ROLLED_BACK, note=why)
            crashpoint("settle.rolled_back")
            reason = f"the target was made what it was, and read again, in {recovery:.1f}s" + (
                f": {standing.reason}" if standing.reason else ""
            )
            answer = Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=recovery, policy=policy.where(CHECK))
            return _ended(landed(run.with_(results=(*run.results, answer)), promotion, recovery=recovery), promotion, ports)
        ports.progress.note(f"attempt {promotion.attempts} to take it back failed: {said}")
        if promotion.attempts < most:
            ports.pause(_PAUSE)
    return _stuck(
        run, promotion, ports, policy, f"{why}; taking it back failed {promotion.attempts} times: {said or 'the process died each time'}"
    )


def _after(run: Run, ports: LandingPorts, policy: Loaded) -> str:
    """Make the service use what it was before; why that failed."""
    command = policy.policy.rollback.after or policy.policy.promote.after
    if command is None:
        return ""
    ran = ports.command(command.command, command.timeout, variables(run, run.change.base_tree))
    crashpoint("settle.after.done")
    said = f": {cut(printable(ran.said.strip()), 300)}" if ran.said.strip() else ""
    return "" if ran.ok else f"the target holds what it was before, but the command of rollback.after failed: {ran.reason}{said}"


def _stuck(run: Run, promotion: Promotion, ports: LandingPorts, policy: Loaded, why: str) -> Run:
    promotion = ports.promotions.step(promotion, step=Step.STUCK, note=why)
    crashpoint("settle.stuck")
    answer = Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=why, policy=policy.where(CHECK))
    return _ended(run.with_(results=(*run.results, answer)), promotion, ports)


def _ended(run: Run, promotion: Promotion, ports: LandingPorts) -> Run:
    ending = Ending.STUCK if promotion.step is Step.STUCK else Ending.ROLLED_BACK
    if ending is Ending.ROLLED_BACK:  # what a person must look at stays where it is
        run = _tidied(run, promotion, ports)
    return landed(run, promotion).with_(decision=Decision(verdict=Verdict.ACCEPT, ending=ending, reason=promotion.note))


def _tidied(run: Run, promotion: Promotion, ports: LandingPorts) -> Run:
    """Remove what is not needed any more; where that fails it is said, and the next sweep tries again."""
    try:
        ports.target.tidy(promotion, ports.trees)
        crashpoint("settle.tidied")
        ports.vault.release(run.id)
    except (InfrastructureError, OSError) as problem:
        return run.with_(notes=(*run.notes, f"something was left beside the target: {sentence(problem)}"))
    return run
