"""Settle: tell the gates how a run that they charged has ended, in the transaction that records the run."""

from runner.model.run import Gates, Run
from runner.policy.load import Loaded
from runner.ports import Moment, Ports


def settle(run: Run, ports: Ports, policy: Loaded, moment: Moment) -> None:
    """Record the outcome of a decided run with every gate, once however often it is told; raises StoreUnavailable."""
    if run.gates is Gates.ENFORCE and run.decision is not None:
        for gate in ports.gates:
            gate.settle(run, moment, getattr(policy.policy.preflight, gate.name))
