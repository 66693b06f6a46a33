"""Bugs that are planted on purpose: the harness finds each, and finds nothing without them."""

import pytest

from testing.faults.bound import upper_bound
from testing.faults.cases import Bench, Case, Outcome
from testing.faults.orders import KILL, RIVAL, STOP, SYNCED, Fault


def _tried(bench: Bench, scenario: str, fault: Fault, plant: str) -> Outcome:
    case = Case(scenario, fault=fault, plant=plant)
    if fault.what == STOP:
        outcome = bench.frozen(case)
    else:
        trial = bench.trial(case)
        outcome = {KILL: trial.run, RIVAL: trial.with_rival, SYNCED: trial.synced}[fault.what]()
    assert outcome.hit
    return outcome


_BUGS = [
    ("no_compare_and_swap", "git confirmed", Fault(RIVAL, "git.ref.before"), "I12"),
    ("no_compare_and_swap", "exchange confirmed", Fault(RIVAL, "folder.carried.last"), "I12"),
    ("no_look_back", "exchange confirmed", Fault(RIVAL, "folder.swap.before"), "I12"),
    ("no_sync", "exchange rolled back", Fault(SYNCED, "folder.swap.before"), "was never synced"),
    ("no_sync", "symlink rolled back", Fault(SYNCED, "folder.swap.before"), "was never synced"),
    ("record_after_swap", "git confirmed", Fault(KILL, "promote.swapped"), "I2: the target is new, and the record says intended"),
    ("record_after_swap", "exchange confirmed", Fault(KILL, "promote.swapped"), "I2: the target is new, and the record says intended"),
    ("forgotten_intent", "git confirmed", Fault(KILL, "promote.swapped"), "I2: the target is new, and the record says nothing"),
    ("forgotten_intent", "exchange confirmed", Fault(KILL, "promote.swapped"), "I2: the target is new, and the record says nothing"),
    ("fence_ignored", "git rolled back", Fault(STOP, "git.ref.before"), "I10: the thawed one has changed target"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("plant", "scenario", "fault", "said"), _BUGS)
def test_a_planted_bug_is_found(bench: Bench, plant: str, scenario: str, fault: Fault, said: str) -> None:
    found = _tried(bench, scenario, fault, plant).violations
    assert any(said in one for one in found), found


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "fault"), list(dict.fromkeys((scenario, fault) for _, scenario, fault, _ in _BUGS)))
def test_without_the_bug_nothing_is_found(bench: Bench, scenario: str, fault: Fault) -> None:
    assert _tried(bench, scenario, fault, "").violations == []


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    assert upper_bound(0, 1000) == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert upper_bound(1, 20) == pytest.approx(0.2161, abs=1e-4)
    assert upper_bound(3, 3) == 1.0
