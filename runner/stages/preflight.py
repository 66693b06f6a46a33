"""Preflight: the gates, asked before anything runs and all at one moment of the ledger."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from runner.errors import PolicyInvalid, StoreUnavailable, UsageError, machine_at_fault
from runner.model.result import Cause, Outcome, Result
from runner.model.run import Gates, Run
from runner.model.text import printable
from runner.policy.load import Loaded
from runner.ports import Gate, Moment, Ports

log = logging.getLogger(__name__)


def preflight(run: Run, ports: Ports, policy: Loaded) -> Run:
    """Ask the gates. Enforced, they may stop the run and charge it when none does; else they only say what they would have done."""
    if run.gates is Gates.ENFORCE:
        ports.progress.stage("preflight")
    with ThreadPoolExecutor(len(ports.gates) or 1, thread_name_prefix="preflight") as pool:
        # at once: some wait for a child process or the engine
        asked = list(pool.map(lambda gate: _measured(gate, run, ports, getattr(policy.policy.preflight, gate.name)), ports.gates))
    try:
        with ports.ledger.writing() as moment:
            answers = [one.problem or _judged(one, run, moment) for one in asked]
            for one in asked:
                if one.problem is None:
                    one.gate.observe(run, one.facts, moment, one.options)
            if run.gates is Gates.ENFORCE and not any(stops(answer) for answer in answers):
                for one in asked:
                    if one.problem is None:
                        one.gate.charge(run, one.facts, moment, one.options)
    except StoreUnavailable as problem:
        answers = [_broken(one.gate, problem, f"the gates' record cannot be used: {problem}") for one in asked]
    except (UsageError, PolicyInvalid):
        raise
    except Exception as problem:  # noqa: BLE001  a gate that cannot keep or charge: nothing of the moment is kept
        answers = [_broken(one.gate, problem) for one in asked]
    told = answers if run.gates is Gates.ENFORCE else [informing(answer) for answer in answers]
    placed = (answer.model_copy(update={"policy": policy.where(answer.policy or f"preflight.{answer.check}")}) for answer in told)
    return run.with_(results=(*placed, *run.results))


def stops(answer: Result) -> bool:
    """Whether nothing of a change is looked at any further after this answer of a gate, and nothing is charged."""
    return answer.outcome in (Outcome.REFUSE, Outcome.FAIL) or answer.cause is Cause.INFRASTRUCTURE


def informing(answer: Result) -> Result:
    """The same answer where gates may only inform: what would stop or hold a run is a warning."""
    if answer.outcome in (Outcome.PASS, Outcome.WARN):
        return answer
    word = "not known" if answer.outcome is Outcome.UNKNOWN else f"would {answer.outcome.value}"
    return answer.model_copy(update={"outcome": Outcome.WARN, "cause": None, "retry_after": None, "reason": f"{word}: {answer.reason}"})


class _Asked(NamedTuple):
    """A gate, its section of the policy, and what it measured, or why it could not."""

    gate: Gate
    options: Any
    facts: Any = None
    problem: Result | None = None


def _measured(gate: Gate, run: Run, ports: Ports, options: Any) -> _Asked:
    try:
        return _Asked(gate, options, gate.measure(run, ports, options))
    except (UsageError, PolicyInvalid):
        raise
    except Exception as problem:  # noqa: BLE001
        return _Asked(gate, options, problem=_broken(gate, problem))


def _judged(asked: _Asked, run: Run, moment: Moment) -> Result:
    try:
        return asked.gate.judge(run, asked.facts, moment, asked.options)
    except StoreUnavailable:
        raise
    except Exception as problem:  # noqa: BLE001
        return _broken(asked.gate, problem)


def _broken(gate: Gate, problem: Exception, what: str = "") -> Result:
    """A fault of ours or of the machine: it must never read as a pass."""
    if not what:
        log.error("gate %s broke", gate.name, exc_info=problem)
    cause = Cause.INFRASTRUCTURE if machine_at_fault(problem) else Cause.EVIDENCE
    reason = printable(what or f"the gate {gate.name} broke: {type(problem).__name__}: {problem}")
    return Result(check=gate.name, outcome=Outcome.UNKNOWN, cause=cause, reason=reason)
