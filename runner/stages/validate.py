"""Validate: the layers that read the change and run nothing of it."""

import logging
from typing import Any

from runner.errors import SeatrialError, UsageError, machine_at_fault
from runner.model.result import Cause, Outcome, Result
from runner.model.run import Run
from runner.model.text import printable
from runner.policy.load import Loaded
from runner.ports import Ports, Validator

log = logging.getLogger(__name__)


def validate(run: Run, ports: Ports, policy: Loaded) -> Run:
    """Ask every validation layer in order; none starts anything of the change."""
    results = run.results
    for layer in ports.validators:
        ports.progress.stage(f"validate: {layer.name}")
        options = getattr(policy.policy.validation, layer.name)
        answer = _ask(layer, run, ports, options)
        results = (*results, answer.model_copy(update={"policy": policy.where(f"validate.{layer.name}")}))
        if answer.outcome is Outcome.FAIL:
            break
    return run.with_(results=results)


def _ask(layer: Validator, run: Run, ports: Ports, options: Any) -> Result:
    """The layer's answer, whatever happens in it; only UsageError passes, since that is the caller's to mend."""
    try:
        return layer.judge(run.change, ports.trees, options)
    except UsageError:
        raise
    except Exception as problem:
        # hostile input met a fault of ours: that must never read as a pass, nor, unless the machine is at fault, as a reason to try again
        log.exception("validation layer %s broke", layer.name)
        cause = Cause.INFRASTRUCTURE if machine_at_fault(problem) else Cause.EVIDENCE
        return Result(check=layer.name, outcome=Outcome.UNKNOWN, cause=cause, reason=_sentence(layer.name, problem))


def _sentence(layer: str, problem: Exception) -> str:
    if isinstance(problem, SeatrialError):
        return printable(f"{problem} ({problem.hint})" if problem.hint else str(problem))
    return printable(f"the layer {layer} broke: {type(problem).__name__}: {problem}")
