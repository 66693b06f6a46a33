"""Wherever it dies, and dies again in recovery, and wherever its disk fails: old or new, agreed on, nothing leaked, backed up.

`make test` kills once at each marker; `make faults` tries every marker of every scenario with every fault, each in a run of its own.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from runner.crashpoints import MARKERS
from testing.faults.cases import Bench, Case, Outcome, faulty
from testing.faults.nursery import ROOT
from testing.faults.orders import EIO, ENOSPC, FAULTS, KILL, RIVAL, Fault
from testing.faults.scenarios import SCENARIOS
from tests.faults.conftest import FAR

Counted = Callable[[str, Sequence[Outcome]], None]
_KILLED: dict[str, tuple[tuple[str, ...], ...]] = {
    "git rolled back": (
        ("submit.filing",),
        ("submit.filed", "engine.resumed"),
        ("run.stage.kept", "promote.after.before"),
        ("vault.object.synced", "monitor.begins"),
        ("vault.manifest.written", "monitor.reading.taken"),
        ("vault.recorded", "monitor.judged"),
        ("promote.intending", "monitor.decided"),
        ("promote.intended", "settle.taking_back"),
        ("git.commit.made", "git.back.before"),
        ("git.objects.sent", "git.back.after"),
        ("git.objects.synced", "settle.taken_back"),
        ("promote.prepared", "promote.taken"),
        ("promote.armed", "promote.abandoned"),
        ("promote.rechecked", "promote.tidied"),
        ("git.ref.before", "promote.recovered"),
        ("git.ref.after", "settle.verified"),
        ("promote.swapped", "settle.rolled_back"),
        ("promote.recorded", "run.told"),
    ),
    "exchange rolled back": (
        ("vault.object.written", "folder.back.carried"),
        ("vault.object.renamed", "monitor.reading.kept"),
        ("vault.folders.synced", "settle.tidied"),
        ("vault.manifest.renamed", "run.recording"),
        ("vault.verified", "run.recorded"),
        ("folder.staged.half", "folder.tidy.renamed"),
        ("folder.staged.files", "folder.tidy.removed"),
        ("folder.staged.synced", "folder.back.synced"),
        ("folder.carried.first", "folder.back.swap.after"),
        ("folder.carried.last", "folder.recover.renamed"),
        ("folder.swap.before", "folder.back.swap.before"),
        ("folder.swap.after", "promote.taken"),
        ("folder.swap.synced", "promote.recovered"),
        ("folder.carried.back", "settle.taking_back"),
    ),
    "git confirmed": (("settle.confirmed", "settle.tidied"), ("run.told", "run.recorded")),
    "exchange confirmed": (("settle.confirmed", "folder.tidy.renamed"), ("folder.tidy.removed", "settle.tidied")),
    "git work tree": (("git.tree.before", "git.tree.after"),),
    "git push": (("git.push.before", "git.push.after"),),
    "symlink rolled back": (
        ("folder.swap.before", "folder.back.swap.after"),
        ("folder.swap.after", "folder.back.swap.before"),
        ("folder.swap.synced", "folder.tidy.renamed"),
    ),
    "journal rolled back": (
        ("folder.journal.listed", "folder.tidy.renamed"),
        ("folder.journal.file", "folder.journal.file"),
        ("folder.journal.done", "folder.tidy.removed"),
    ),
    "after fails": (("promote.after.done", "settle.after.done"),),
    "held, then confirmed": (("monitor.decided",), ("run.set_out", "run.recorded")),
    "confirmed folder, then taken back": (("run.set_out", "folder.back.swap.after"),),
    "restored": (("vault.restore.staged",), ("vault.restore.swapped",)),
    "pruned": (("vault.prune.marked",), ("vault.prune.deleting",), ("vault.prune.deleted",)),
    "race": (("promote.swapped",),),
    "race for a folder": (("folder.swap.after",),),
}
"""Of the short tier: where a run of which scenario is killed, and where what recovers it is."""
_FAILING: dict[str, tuple[Fault, ...]] = {
    "git rolled back": (
        Fault(EIO, "promote.intending"),
        Fault(ENOSPC, "git.commit.made"),
        Fault(EIO, "git.ref.before"),
        Fault(ENOSPC, "promote.recorded"),
        Fault(EIO, "git.back.before"),
        Fault(ENOSPC, "settle.rolled_back"),
        Fault(EIO, "run.recording"),
    ),
    "exchange rolled back": (
        Fault(ENOSPC, "folder.staged.half"),
        Fault(EIO, "folder.carried.last"),
        Fault(ENOSPC, "folder.swap.after"),
        Fault(EIO, "folder.back.swap.before"),
        Fault(ENOSPC, "folder.tidy.renamed"),
    ),
}
"""Of the short tier: where the disk fails."""
_ANSWERED = ("run.set_out", "vault.restore.staged", "vault.restore.swapped")
"""What is passed in the last action of its scenario, as all of a prune is."""


def short(scenario: str) -> list[Case]:
    """The cases of the short tier."""
    last = len(SCENARIOS[scenario].actions) - 1
    cases = [Case(scenario, fault=fault) for fault in _FAILING.get(scenario, ())]
    for first, *later in _KILLED[scenario]:
        action = last if first in _ANSWERED or first.startswith("vault.prune.") else 0
        cases.append(Case(scenario, action, Fault(KILL, first), tuple(Fault(KILL, marker) for marker in later)))
    return cases


@pytest.mark.slow
@pytest.mark.parametrize("what", FAULTS if FAR else ["each fault"])
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "late"] if FAR else list(_KILLED))  # that one is for the frozen
def test_wherever_it_dies_or_fails_the_target_is_old_or_new_and_the_record_agrees(
    bench: Bench, counted: Counted, scenario: str, what: str
) -> None:
    well = bench.run(Case(scenario))
    cases = faulty(scenario, well.actions, (what,), every=True) if FAR else short(scenario)
    outcomes = [well, *map(bench.run, cases)]
    counted(f"{what} in '{scenario}'", outcomes)
    missed = [str(outcome.case) for outcome in outcomes if not outcome.hit]
    share = 1 / 2 if "race" in scenario else 1 / 10 if FAR else 0  # who wins a race, and how often a probe is asked, is not always the same
    assert len(missed) <= len(outcomes) * share, missed


def test_every_marker_is_in_the_code_and_in_the_list() -> None:
    found = [
        name for file in Path(ROOT / "runner").rglob("*.py") for name in re.findall(r'\bcrashpoint\("([^"]+)"\)', file.read_text("utf-8"))
    ]
    assert set(found) == set(MARKERS)
    assert len(set(MARKERS)) == len(MARKERS)
    assert {name for name in found if found.count(name) > 1} <= {"folder.carried.first"}  # either way of stepping has it


def test_every_marker_is_one_that_something_is_killed_at() -> None:
    killed = {marker for scenario, chains in _KILLED.items() if "race" not in scenario for chain in chains for marker in chain}
    assert killed | {"settle.stuck"} == set(MARKERS)  # nobody is to be killed there before a rival came


@pytest.mark.slow
def test_what_a_rival_leaves_no_way_back_from_waits_for_a_person(bench: Bench) -> None:
    outcome = bench.trial(Case("git rolled back", fault=Fault(RIVAL, "promote.swapped"))).until_stuck()
    assert "settle.stuck" in outcome.passed
