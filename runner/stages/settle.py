"""Settle: tell the gates how a run that they charged has ended."""

from runner.model.run import Gates, Run
from runner.policy.load import Loaded
from runner.ports import Ports


def settle(run: Run, ports: Ports, policy: Loaded) -> Run:
    """Record the outcome of a decided run with every gate, once however often it is told; raises StoreUnavailable."""
    if run.gates is Gates.ENFORCE and run.decision is not None:
        with ports.ledger.writing() as moment:
            for gate in ports.gates:
                gate.settle(run, moment, getattr(policy.policy.preflight, gate.name))
    return run
