"""The breaker of a host: whose outcome it is, and what proves that the host can run anything."""

import pytest

from runner.gates.breaker import gate
from runner.gates.breaker.log import Log
from runner.gates.breaker.options import Options
from runner.model.keys import key_of
from runner.model.result import Ending
from runner.model.run import SandboxFacts
from testing.ledgers import ClockedLedger, Gatekeeper, a_gated_run


def outcomes(ledger: ClockedLedger, host: str) -> list[bool]:
    """Of each outcome in the host's window, whether it was a failure."""
    with ledger.reading() as moment:
        return [outcome.failed for outcome in Log(moment, key_of("host", host)).state.window]


@pytest.mark.parametrize(("sandbox", "counted"), [(SandboxFacts(), [False]), (None, [])])
def test_only_a_run_that_used_a_sandbox_says_that_the_host_can_run_one(
    ledger: ClockedLedger, sandbox: SandboxFacts | None, counted: list[bool]
) -> None:
    keeper = Gatekeeper(gate, ledger, Options(), "here")
    run = a_gated_run().with_(sandbox=sandbox)
    keeper.enter(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.gethostname", lambda: "here")
        keeper.leave(run, Ending.REJECTED)
    assert outcomes(ledger, "here") == counted


def test_an_outcome_counts_for_the_host_that_let_the_run_in_whoever_tells_it(
    ledger: ClockedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Gatekeeper(gate, ledger, Options(), "ran-it")
    keeper.enter(a_gated_run())
    monkeypatch.setattr("socket.gethostname", lambda: "swept-up")
    keeper.leave(a_gated_run(), Ending.FAILED)
    assert outcomes(ledger, "ran-it") == [True]
    assert outcomes(ledger, "swept-up") == []
