"""The gates that must still be open right before a promotion; what closed meanwhile holds the run, and is charged to nobody."""

from typing import Final

from runner.model.result import Outcome, Result
from runner.model.run import Run
from runner.policy.load import Loaded
from runner.ports import Gate, LandingPorts

ASKED: Final = ("health", "breaker")


def recheck(run: Run, ports: LandingPorts, policy: Loaded) -> str:
    """Why the run must not be promoted now; empty when it may. Raises StoreUnavailable."""
    for gate in ports.gates:
        if gate.name in ASKED:
            answer = _asked(gate, run, ports, policy)
            if answer.outcome not in (Outcome.PASS, Outcome.WARN):
                return f"before the promotion {gate.name} says: {answer.reason}"
    return ""


def _asked(gate: Gate, run: Run, ports: LandingPorts, policy: Loaded) -> Result:
    options = getattr(policy.policy.preflight, gate.name)
    facts = gate.measure(run, ports, options)
    with ports.ledger.writing() as moment:
        answer = gate.judge(run, facts, moment, options)
        gate.observe(run, facts, moment, options)
    return answer
