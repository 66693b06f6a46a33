"""A process that is frozen at a marker, and thaws after another has taken its run over, changes nothing any more."""

from collections.abc import Callable, Sequence

import pytest

from testing.faults.cases import Bench, Case, Outcome
from testing.faults.orders import STOP, Fault
from tests.faults.conftest import FAR

Counted = Callable[[str, Sequence[Outcome]], None]
_MARKERS = {
    "git rolled back": ("promote.armed", "promote.swapped", "git.back.before"),
    "git confirmed": ("settle.confirmed",),
    "exchange rolled back": ("folder.swap.before", "folder.swap.after", "settle.taken_back"),
    "symlink rolled back": ("folder.swap.before",),
    "journal rolled back": ("folder.journal.file",),
}
_STEPS = ("promote.", "git.", "folder.", "monitor.", "settle.", "run.")
_WITHIN = ("run.told",)
"""Passed within a transaction: while a process stands still there, SQLite lets nobody take anything over."""


@pytest.mark.slow
@pytest.mark.parametrize("scenario", list(_MARKERS))
def test_what_thaws_after_it_was_taken_over_changes_nothing(bench: Bench, counted: Counted, scenario: str) -> None:
    markers: Sequence[str] = _MARKERS[scenario]
    if FAR:
        passed = dict.fromkeys(bench.run(Case(scenario)).actions[0])
        markers = [marker for marker in passed if marker.startswith(_STEPS) and marker not in _WITHIN]
    outcomes = [bench.frozen(Case(scenario, fault=Fault(STOP, marker))) for marker in markers]
    counted(f"frozen and thawed, '{scenario}'", outcomes)
    assert all(outcome.hit for outcome in outcomes)


@pytest.mark.slow
def test_a_promotion_far_beyond_its_deadline_is_taken_from_a_frozen_process(bench: Bench, counted: Counted) -> None:
    outcome = bench.frozen(Case("late", fault=Fault(STOP, "monitor.begins")), by="watch")
    counted("frozen beyond the deadline", [outcome])
    assert outcome.hit
