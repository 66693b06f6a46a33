"""Outcome: tell the gates how a run that they charged has ended, in the transaction that records the run."""

import logging

from runner.crashpoints import crashpoint
from runner.errors import StoreUnavailable
from runner.model.run import Gates, Run
from runner.policy.load import Loaded
from runner.ports import Gate, Moment

log = logging.getLogger(__name__)


def tell(run: Run, gates: tuple[Gate, ...], policy: Loaded, moment: Moment) -> None:
    """Record the outcome of a decided run with every gate, once however often it is told; raises StoreUnavailable, also where a gate breaks."""
    if run.gates is Gates.ENFORCE and run.decision is not None:
        for gate in gates:
            try:
                gate.settle(run, moment, getattr(policy.policy.preflight, gate.name))
            except StoreUnavailable:
                raise
            except Exception as problem:
                log.exception("gate %s broke", gate.name)
                said = f"the gate {gate.name} broke: {type(problem).__name__}: {problem}"
                raise StoreUnavailable(said, hint="`seatrial audit verify` may say more.") from problem
        crashpoint("run.told")
