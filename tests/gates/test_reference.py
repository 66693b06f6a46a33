"""Breaker and rate over a real database agree with the naive reference in every decision, whatever happens in whatever order."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from runner.gates.breaker.options import NAMES, Options
from runner.gates.rate.options import Limit, Part
from runner.model.result import Ending
from testing.ledgers import ClockedLedger
from tests.gates.twin import SAID, Twin

EXAMPLES = int(os.environ.get("SEATRIAL_HISTORIES", "3"))
_NUMBERS = count()
_PEOPLE = ("", "alice", "bob")
_FOLDERS = ("src", "docs", "tools")
_TIMES = (1.0, 2.0, 3.0, 4.0, 8.0, 0.25)  # few, so that ends of windows, waits and leases are met exactly
_OPENS_AT = ((0.5, 0), (0.0, 2), (0.75, 3), (0.3, 2), (1.0, 1))
_KEYS: tuple[tuple[Part, ...], ...] = (("target",), ("author",), ("path",), ("target", "author"), ("path", "target"))


@pytest.fixture
def ledger() -> Iterator[ClockedLedger]:
    folder = Path(tempfile.mkdtemp(prefix="seatrial-gates-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    ledger = ClockedLedger(folder / "state")
    yield ledger
    ledger.close()
    shutil.rmtree(folder)


def a_section(chance: random.Random) -> dict[str, Any]:
    """Options of one breaker that a policy could give, small enough that everything happens."""
    size: int | float = chance.choice((1, 2, 3, 4, 6, 2.0, 4.0, 8.0))
    rate, row = chance.choice(_OPENS_AT)
    wait, lease = chance.choice(_TIMES), chance.choice(_TIMES)
    advanced = {
        "window": size,
        "minimum_calls": chance.randint(1, min(3, size) if isinstance(size, int) else 3),
        "growth": chance.choice((1.0, 1.5, 2.0)),
        "max_wait": wait + chance.choice(_TIMES),
        "jitter": 0.0,
        "permits": chance.choice((1, 1, 2, 3)),
        "lease": lease,
        "max_duration": lease + chance.choice(_TIMES),
    }
    return {"consecutive": row, "failure_rate": rate, "wait": wait, "advanced": advanced}


def a_policy(chance: random.Random) -> Options:
    return Options.model_validate({name: a_section(chance) for name in NAMES})


def some_limits(chance: random.Random) -> tuple[Limit, ...]:
    return tuple(
        Limit(limit=chance.randint(1, 4), per=chance.choice(_TIMES), key=chance.choice(_KEYS))
        for _ in range(chance.choice((0, 0, 1, 2, 3)))
    )


def anything(chance: random.Random, twin: Twin) -> None:
    """One more thing that happens, of what happens most."""
    what = chance.random()
    if what < 0.45:
        _people(chance, twin)
    elif what < 0.6 and twin.runs:
        twin.leaves(twin.runs[chance.choice(list(twin.runs)[-6:])], chance.choice((*SAID, None)))
    elif what < 0.66 and twin.runs:
        twin.enters(twin.runs[chance.choice(list(twin.runs)[-6:])])
    elif what < 0.72:
        twin.ledger.now += chance.choice(_TIMES)
    elif what < 0.86:
        twin.ledger.now += max(0.0, twin.refused - chance.choice((0.0, 0.0, 0.25)))
        twin.refused = 0.0
    elif what < 0.9:
        twin.ledger.now -= chance.choice((0.25, 1.0))
    elif what < 0.95:
        twin.intervenes("x", chance.choice(_PEOPLE), chance.choice(("open", "disabled", "reset", "reset")), chance.choice((None, *_TIMES)))
    elif what < 0.97:
        twin.policy, twin.limits = a_policy(chance), some_limits(chance)
    else:
        twin.ledger.close()


def _people(chance: random.Random, twin: Twin) -> None:
    author = chance.choice(("", "", "alice", "bob"))
    ending = chance.choice((Ending.REJECTED, Ending.REJECTED, Ending.ACCEPTED, Ending.FAILED, None))
    for _ in range(chance.randint(1, 3)):
        folders = tuple(chance.sample(_FOLDERS, chance.randint(1, 2)))
        run = twin.comes(chance.choice("xxxy"), author, chance.choice(("", "", "alice", "bob")), folders)
        if run is not None and ending is not None:
            twin.leaves(run, ending)


@pytest.mark.parametrize("part", range(4))
def test_every_decision_of_random_histories_is_that_of_the_reference(part: int, ledger: ClockedLedger) -> None:
    for number in range(part, EXAMPLES * 4, 4):
        chance = random.Random(f"{number} {EXAMPLES}")
        twin = Twin(ledger, number, a_policy(chance), () if number % 2 else some_limits(chance))
        for _ in range(60):
            anything(chance, twin)
        twin.ends()


class Gates(RuleBasedStateMachine):
    """Runs come and go, time passes, policies change, people intervene and processes start anew; all in one database."""

    ledger: ClockedLedger
    twin: Twin

    @initialize(chance=st.randoms(use_true_random=False))
    def begins(self, chance: random.Random) -> None:
        self.twin = Twin(self.ledger, next(_NUMBERS), a_policy(chance), some_limits(chance))

    @rule(chance=st.randoms(use_true_random=False))
    def anything_happens(self, chance: random.Random) -> None:
        anything(chance, self.twin)

    @rule(seconds=st.sampled_from(_TIMES))
    def time_passes(self, seconds: float) -> None:
        self.twin.ledger.now += seconds

    @rule(author=st.sampled_from(_PEOPLE), claim=st.sampled_from(_PEOPLE), folders=st.sets(st.sampled_from(_FOLDERS), min_size=1))
    def a_run_comes(self, author: str, claim: str, folders: set[str]) -> None:
        self.twin.comes("x", author, claim, tuple(sorted(folders)))

    @precondition(lambda self: self.twin.runs)
    @rule(data=st.data(), ending=st.sampled_from((*SAID, None)))
    def a_run_ends(self, data: st.DataObject, ending: Ending | None) -> None:
        self.twin.leaves(self.twin.runs[data.draw(st.sampled_from(list(self.twin.runs)))], ending)

    def teardown(self) -> None:
        if hasattr(self, "twin"):
            self.twin.ends()


def test_every_decision_of_the_state_machine_is_that_of_the_reference(ledger: ClockedLedger) -> None:
    Gates.ledger = ledger
    case = Gates.TestCase
    case.settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.generate,),  # to shrink a failing history takes minutes: add Phase.shrink by hand
    )
    case().runTest()
