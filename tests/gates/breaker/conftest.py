"""A breaker over a real SQLite file, at the time that a test says."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.gates.breaker import gate
from runner.gates.breaker.log import GATE, Log, refolded
from runner.gates.breaker.options import Options
from testing.ledgers import ClockedLedger, Gatekeeper

Door = Callable[..., Gatekeeper]


def assert_log_says_all(ledger: ClockedLedger) -> None:
    """What is kept of every breaker is what its whole log folds to."""
    with ledger.reading() as moment:
        for key in moment.keys(GATE):
            kept = moment.state(GATE, key)
            assert kept is not None
            assert Log(moment, key).state == refolded(moment, key)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ClockedLedger]:
    ledger = ClockedLedger(tmp_path / "state")
    yield ledger
    assert_log_says_all(ledger)
    ledger.close()


@pytest.fixture
def door(ledger: ClockedLedger) -> Door:
    """The gate under options given as a policy gives them; without jitter, so that times can be told."""

    def made(**sections: object) -> Gatekeeper:
        given = {name: {"advanced": {}, **(sections.get(name) or {})} for name in ("host", "promotion", "author")}
        for section in given.values():
            section["advanced"] = {"jitter": "0%", **section["advanced"]}
        return Gatekeeper(gate, ledger, Options.model_validate(given), socket.gethostname())

    return made
