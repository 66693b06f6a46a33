"""Validate: the layers that read the change and run nothing of it."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from runner.errors import SeatrialError, UsageError, machine_at_fault
from runner.model.result import Cause, Outcome, Result
from runner.model.run import Run
from runner.model.text import printable
from runner.policy.load import Loaded
from runner.ports import Ports, Validator

log = logging.getLogger(__name__)


def validate(run: Run, ports: Ports, policy: Loaded) -> Run:
    """Ask every validation layer; none starts anything of the change.

    They are asked at once, since some wait for a child process of their own, and heard in order, up to the first that rejects.
    """
    results = run.results
    with ThreadPoolExecutor(len(ports.validators) or 1, thread_name_prefix="validate") as pool:
        asked = [(layer, pool.submit(_ask, layer, run, ports, getattr(policy.policy.validation, layer.name))) for layer in ports.validators]
        for layer, coming in asked:
            ports.progress.stage(f"validate: {layer.name}")
            answer = coming.result()
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
