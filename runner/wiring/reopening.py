"""Runs that have ended and are asked for after all: their target is looked at first and, where that cannot be, nothing is begun."""

from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import Fenced, SeatrialError, StoreUnavailable
from runner.model.promotion import Promotion, Step
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import Run
from runner.model.text import printable
from runner.policy.stored import restored
from runner.stages.told import sentence
from runner.store.submissions import Filed
from runner.targets.spec import parse
from runner.wiring.filing import opened
from runner.wiring.target import target_of

if TYPE_CHECKING:
    from runner.wiring.carrying import Stores

_ENDED = {Step.CONFIRMED: Ending.CONFIRMED, Step.STUCK: Ending.STUCK}


def is_ahead(run: Run, promotion: Promotion | None) -> bool:
    """Whether the leg that begins with `run` is to reopen a promotion that had ended, and has not touched it yet."""
    if promotion is None or promotion.fence != run.fence:
        return False
    return run.wish in {Step.CONFIRMED: ("rollback",), Step.STUCK: ("rollback", "confirm")}.get(promotion.step, ())


def look(filed: Filed, state: Path) -> None:
    """Look at the target of a run. Raises UsageError or InfrastructureError where that cannot be, as on a machine that does not have it."""
    run, spec = filed.run, parse(filed.submission.target)
    with opened(Path(run.repository), spec, state) as objects:
        target_of(spec, objects, restored(filed.submission.policy).policy.promote, run.id).look(objects, (run.change.tree,))


def refused(run: Run, promotion: Promotion | None, problem: Exception) -> bool:
    """Whether a leg came to nothing before it touched what it was to reopen; what keeps the record from being used says nothing of that."""
    ours = isinstance(problem, (SeatrialError, OSError)) and not isinstance(problem, (Fenced, StoreUnavailable))
    return ours and is_ahead(run, promotion)


def as_it_was(run: Run, promotion: Promotion, problem: Exception, kept: "Stores") -> Run:
    """Let a run end once more as it had ended, and say why nothing came of what was asked."""
    from runner.reports.report import build, to_json

    what = "taken back" if run.wish == "rollback" else "confirmed"
    why = f"it was not {what}, since its target could not be looked at: {printable(sentence(problem))}"
    decision = Decision(verdict=Verdict.ACCEPT, ending=_ENDED[promotion.step], reason=why)
    ended = kept.submissions.load(run.id).run.with_(moved="", decision=decision)
    kept.submissions.keep(ended, "recorded")
    kept.runs.finish(ended, to_json(build(ended, here=Path("/"))), ended.logs)
    return ended
