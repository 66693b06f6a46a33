"""Validate: the layers that read the change and run nothing of it."""

import logging
from typing import Any

from runner.model.result import Cause, Outcome, Result
from runner.model.run import Run
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
    try:
        return layer.judge(run.change, ports.trees, options)
    except Exception as problem:
        # hostile input met a fault of ours: that must never read as a pass, nor as a reason to try again
        log.exception("validation layer %s broke", layer.name)
        reason = f"the layer {layer.name} broke: {type(problem).__name__}: {problem}"
        return Result(check=layer.name, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)
