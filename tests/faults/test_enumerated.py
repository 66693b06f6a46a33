"""Every marker, with a kill and with a disk that fails, on both kinds of targets: old or new, agreed on, nothing leaked, backed up."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from runner.crashpoints import MARKERS
from testing.faults.cases import Bench, Case, Outcome, faulty
from testing.faults.nursery import ROOT
from testing.faults.orders import EIO, ENOSPC, FAULTS, KILL, Fault
from testing.faults.scenarios import SCENARIOS
from tests.faults.conftest import FAR

Counted = Callable[[str, Sequence[Outcome]], None]
_TOUCHING = ("promote.", "git.", "folder.", "settle.", "run.")
_COVERING = {
    "git rolled back": lambda marker: marker.startswith(_TOUCHING) or MARKERS.index(marker) % 3 == 0,
    "exchange rolled back": lambda marker: marker.startswith("folder."),
    "git confirmed": lambda marker: marker in ("settle.confirmed", "settle.tidied", "run.told", "run.recorded"),
    "exchange confirmed": lambda marker: marker in ("settle.confirmed", "settle.tidied", "folder.tidy.renamed", "folder.tidy.removed"),
    "git work tree": lambda marker: marker.startswith("git.tree."),
    "git push": lambda marker: marker.startswith("git.push."),
    "symlink rolled back": lambda marker: marker.startswith(("folder.swap.", "folder.back.", "folder.tidy.")),
    "journal rolled back": lambda marker: marker.startswith("folder."),
    "after fails": lambda marker: marker.endswith("after.done"),
    "held, then confirmed": lambda marker: marker in ("run.set_out", "run.recorded", "monitor.decided"),
    "confirmed folder, then taken back": lambda marker: marker == "run.set_out",
    "restored": lambda marker: marker.startswith("vault.restore."),
    "pruned": lambda marker: marker.startswith("vault.prune."),
    "race": lambda marker: marker in ("promote.armed", "promote.swapped", "promote.recorded"),
    "race for a folder": lambda marker: marker == "folder.swap.after",
}
"""Which markers of which scenario are tried in the short tier."""
_BY_FAULT = ("promote.tidied", "promote.abandoned", "settle.stuck", "promote.taken", "promote.recovered", "engine.resumed")
"""Only passed by a run whose disk failed, and by recovery."""


def _worth(scenario: str, case: Case) -> bool:
    """Whether a case belongs to the short tier."""
    marker = case.fault.marker
    if FAR:
        return True
    if not _COVERING[scenario](marker) or (scenario == "held, then confirmed" and case.action == 0 and marker == "run.recorded"):
        return False
    if case.fault.what == KILL:
        return True
    if scenario not in ("git rolled back", "exchange rolled back") or not marker.startswith(_TOUCHING):
        return False
    return MARKERS.index(marker) % 6 == (0 if case.fault.what == EIO else 3)


@pytest.mark.slow
@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize(
    "scenario", [name for name in SCENARIOS if name != "late"] if FAR else list(_COVERING)
)  # that one is for the frozen
def test_wherever_it_dies_or_fails_the_target_is_old_or_new_and_the_record_agrees(
    bench: Bench, counted: Counted, scenario: str, what: str
) -> None:
    if not FAR and what != KILL and scenario not in ("git rolled back", "exchange rolled back"):
        pytest.skip("part of the long tier: make faults")
    well = bench.run(Case(scenario))
    cases = [case for case in faulty(scenario, well.actions, (what,), every=FAR) if _worth(scenario, case)]
    outcomes = [well, *map(bench.run, cases)]
    counted(f"{what} in '{scenario}'", outcomes)
    missed = [str(outcome.case) for outcome in outcomes if not outcome.hit]
    allowed = len(outcomes) // (2 if "race" in scenario else 10)  # who wins a race, and how often a probe is asked, is not always the same
    assert len(missed) <= allowed, missed


def test_every_marker_is_in_the_code_and_in_the_list() -> None:
    found = [
        name for file in Path(ROOT / "runner").rglob("*.py") for name in re.findall(r'\bcrashpoint\("([^"]+)"\)', file.read_text("utf-8"))
    ]
    assert set(found) == set(MARKERS)
    assert len(set(MARKERS)) == len(MARKERS)
    assert {name for name in found if found.count(name) > 1} <= {"folder.carried.first"}  # either way of stepping has it


@pytest.mark.slow
def test_every_marker_is_reached(bench: Bench) -> None:
    passed: set[str] = set()
    for scenario in _COVERING:
        passed |= set(bench.run(Case(scenario)).passed)
    for fault in (Fault(KILL, "promote.armed"), Fault(ENOSPC, "git.commit.made")):
        passed |= set(bench.run(Case("git confirmed", fault=fault)).passed)
    passed |= set(bench.trial(Case("git rolled back", fault=Fault("rival", "promote.swapped"))).until_stuck().passed)
    assert [marker for marker in MARKERS if marker not in passed] == []
