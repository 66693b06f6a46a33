"""The straight line: stages in order, then the fold to a verdict. `land` goes on from there to the target."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from runner.errors import ChangeRefused
from runner.model.result import Outcome, Result, fold, sight
from runner.model.run import Gates, Run
from runner.policy.load import Loaded
from runner.ports import Ports
from runner.stages import trial as trial_stage
from runner.stages.preflight import preflight, stops
from runner.stages.trial import trial
from runner.stages.validate import validate
from runner.trial import judge

Stage = Callable[[Run, Ports, Loaded], Run]
INTAKE = "intake"


def line(gates: Gates, under_way: Event) -> tuple[Stage, ...]:
    """The stages of a check. Gates that only inform are asked while the suite is under way, since nothing waits for their word."""
    if gates is Gates.ENFORCE:
        return preflight, validate, trial
    return validate, beside(trial, preflight, under_way)


def beside(stage: Stage, quiet: Stage, ready: Event) -> Stage:
    """The stage, and beside it one that adds Results in front and stops nothing; begun at `ready`, or once the stage is through."""

    def both(run: Run, ports: Ports, policy: Loaded) -> Run:
        def asked() -> tuple[Result, ...]:
            ready.wait()
            told = quiet(run, ports, policy).results
            return told[: len(told) - len(run.results)]

        with ThreadPoolExecutor(1, thread_name_prefix=quiet.__name__) as pool:
            coming = pool.submit(asked)
            try:
                done = stage(run, ports, policy)
            finally:
                ready.set()
            return done.with_(results=(*coming.result(), *done.results))

    both.__name__ = stage.__name__
    return both


def carry(run: Run, ports: Ports, policy: Loaded, stages: tuple[Stage, ...]) -> Run:
    """Carry a run through the stages and decide; a change that a stage refuses is rejected, and a gate that stops a run ends the line."""
    for stage in stages:
        run = through(stage, run, ports, policy)
        if run.decision is not None:
            return run
        if stopped(stage.__name__, run):
            break
    return decide(run, required(ports, run.gates), minor=frozenset(gate.name for gate in ports.gates))


def through(stage: Callable[[Run, Any, Loaded], Run], run: Run, ports: Ports, policy: Loaded) -> Run:
    """The run after one stage, rejected where the stage refuses its change.

    Its time is added to what the stage took in earlier legs and on other bases, less the parts that it timed itself.
    """
    began, before = ports.monotonic(), run.timings
    try:
        run = stage(run, ports, policy)
    except ChangeRefused as refused:
        return decide(refuse(run, refused, policy), ())
    parts = sum(seconds for name, seconds in run.timings.items() if name not in before)
    took = before.get(stage.__name__, 0.0) + ports.monotonic() - began - parts
    return run.with_(timings={**run.timings, stage.__name__: round(took, 3)})


def stopped(stage: str, run: Run) -> bool:
    """Whether a gate ends the line after this stage."""
    return stage == preflight.__name__ and any(stops(result) for result in run.results)


def refuse(run: Run, refused: ChangeRefused, policy: Loaded) -> Run:
    """The run with the intake's answer to a change that cannot be judged, whoever noticed it."""
    reason = f"{refused} ({refused.hint})" if refused.hint else str(refused)
    answer = Result(check=INTAKE, outcome=Outcome.FAIL, reason=reason, policy=policy.where(f"validate.{INTAKE}"))
    return run.with_(results=(*(result for result in run.results if result.check != INTAKE), answer))


def required(ports: Ports, gates: Gates) -> tuple[str, ...]:
    """The names of the enabled checks, gates where they are enforced: each must have answered before anything is accepted."""
    asked = tuple(gate.name for gate in ports.gates) if gates is Gates.ENFORCE else ()
    return (*asked, *(layer.name for layer in ports.validators), *trial_stage.CHECKS)


def decide(run: Run, names: tuple[str, ...], minor: frozenset[str] = frozenset()) -> Run:
    """Fold the results to a decision; warnings are named in an accepted run's reason, what the base lacks where that is what holds.

    What a person has approved holds no more.

    A warning of one of the `minor` checks is named where there is no other.
    """
    decision = fold(run.results, names, lambda result: sight(result, run.change.base_tree) in run.approved)
    warned = sorted((result for result in run.results if result.outcome is Outcome.WARN), key=lambda result: result.check in minor)
    if decision.verdict == "accept" and warned:
        decision = decision.model_copy(update={"reason": f"every check passed; worth knowing: {warned[0].reason}"})
    if decision.reason == judge.NO_MEASURE:
        told = next((result.reason for result in run.results if result.check == judge.BASE), decision.reason)
        decision = decision.model_copy(update={"reason": told})
    return run.with_(decision=decision)
