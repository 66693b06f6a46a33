"""Processes that are killed at random moments, as are their recoveries; with what that says about the next such kill."""

import os
import random
from collections.abc import Callable, Sequence

import pytest

from testing.faults.bound import upper_bound
from testing.faults.cases import Bench, Case, Outcome
from tests.faults.conftest import FAR, told

TRIALS = int(os.environ.get("SEATRIAL_FAULT_KILLS", "7"))
_SHARES = 2 if FAR else 1
_SCENARIOS = (
    "git rolled back",
    "exchange confirmed",
    "journal rolled back",
    "git work tree",
    "exchange rolled back",
    "symlink confirmed",
    "race",
)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("share", range(_SHARES))
def test_no_random_kill_leaves_anything_wrong(bench: Bench, counted: Callable[[str, Sequence[Outcome]], None], share: int) -> None:
    chance = random.Random(f"{TRIALS} {share}")
    measured = _SCENARIOS if FAR else _SCENARIOS[:1]  # the others take about as long
    lasts = {scenario: bench.run(Case(scenario)).took for scenario in measured}
    number = len(range(share, TRIALS, _SHARES))
    outcomes = []
    for trial in range(number):
        scenario = _SCENARIOS[trial % len(_SCENARIOS)]
        outcomes.append(bench.at_random(scenario, chance, lasts.get(scenario, lasts[_SCENARIOS[0]])))
    bad = sum(bool(outcome.violations) for outcome in outcomes)
    told(f"random kills, share {share + 1} of {_SHARES}: n = {number}, {bad} violated, 95 % upper bound {upper_bound(bad, number):.4f}")
    counted(f"random kills, share {share + 1} of {_SHARES}", outcomes)
