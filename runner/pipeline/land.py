"""The straight line of `seatrial submit`: judged, backed up, promoted, watched, settled; each stage kept before the next begins."""

from collections.abc import Callable
from typing import Any, Final

from runner.model.result import Decision, Ending, Verdict
from runner.model.run import Command, Run, State
from runner.pipeline import decide, required, stopped
from runner.policy.load import Loaded
from runner.ports import LandingPorts
from runner.stages import aim as aim_stage
from runner.stages.aim import aim
from runner.stages.backup import backup
from runner.stages.monitor import monitor
from runner.stages.preflight import preflight
from runner.stages.promote import CANCELLED, STOPS, promote
from runner.stages.settle import settle
from runner.stages.trial import trial
from runner.stages.validate import validate

Stage = Callable[[Run, Any, Loaded], Run]
Do = Callable[[Stage, Run], Run]
"""Carries a run through one stage, once: after a crash it gives what the stage gave before."""

JUDGED: Final[tuple[Stage, ...]] = (preflight, aim, validate, trial)
AGAIN: Final[tuple[Stage, ...]] = (preflight, aim)
"""What is asked again when a person has approved: the evidence is as it was, the gates and the target may not be."""
LANDED: Final[tuple[Stage, ...]] = (promote, monitor, settle)
_ENDINGS: Final = {"expire": (Ending.EXPIRED, "nobody answered before the hold expired"), "deny": (Ending.REJECTED, "a person denied it")}


def land(run: Run, ports: LandingPorts, do: Do) -> Run:
    """One attempt, from wherever the run is: `moved` when another must follow on a new base.

    Which stages follow is decided by the run alone: after a crash the same stages come again, and each gives what it gave.
    """
    if not run.landing:
        run = _accepted(run, ports, do)
        if _over(run):
            return run
    for stage in LANDED:
        run = do(stage, run)
        if _over(run):
            return run
    return run


def _accepted(run: Run, ports: LandingPorts, do: Do) -> Run:
    """Judge the run, and keep a backup when it is accepted."""
    minor = frozenset(gate.name for gate in ports.gates)
    answered = bool(run.approved) and run.tests is not None
    if answered:
        again = minor | {aim_stage.CHECK, "backup", "promote"}
        run = run.with_(results=tuple(result for result in run.results if result.check not in again), backup=None, decision=None)
    else:
        run = run.with_(results=(), tests=None, backup=None, decision=None)
    ordered = run.command is Command.RESTORE
    for stage in (aim,) if ordered else AGAIN if answered else JUDGED:
        run = do(_unless_stopped(stage), run)
        if _over(run):
            return run
        if stopped(stage.__name__, run):
            break
    run = decide(run, (aim_stage.CHECK, *(() if ordered else required(ports, run.gates))), minor=minor)
    if run.decision is None or run.decision.verdict is not Verdict.ACCEPT:
        return run
    run = do(backup, run.with_(decision=run.decision.model_copy(update={"ending": None})))
    if run.backup is not None or run.moved:
        return run
    return run.with_(decision=Decision(verdict=None, ending=Ending.FAILED, reason=run.results[-1].reason))  # whatever was approved


def _unless_stopped(stage: Stage) -> Stage:
    """The stage, and the end of the run when a person asked for it meanwhile."""

    def both(run: Run, ports: LandingPorts, policy: Loaded) -> Run:
        after = stage(run, ports, policy)
        wish = ports.wish()
        return stopped_by(wish, after) if wish in STOPS and not _over(after) else after

    both.__name__ = stage.__name__
    return both


def stopped_by(wish: str, run: Run) -> Run:
    """The run, ended by request before anything was promoted."""
    ending, why = _ENDINGS.get(wish, (Ending.CANCELLED, CANCELLED))
    verdict = Verdict.REJECT if ending is Ending.REJECTED else None
    return run.with_(decision=Decision(verdict=verdict, ending=ending, reason=why))


def _over(run: Run) -> bool:
    return bool(run.moved) or run.state is not State.RUNNING
