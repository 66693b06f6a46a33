"""What recovers dies, too: killed at each marker of a recovery, the next one still brings everything to its end."""

from collections.abc import Callable, Sequence

import pytest

from testing.faults.cases import Bench, Case, Outcome
from testing.faults.orders import EIO, KILL, Fault
from tests.faults.conftest import FAR

Counted = Callable[[str, Sequence[Outcome]], None]
_FIRST = {
    "git rolled back": ("git.ref.after",),
    "exchange rolled back": ("folder.swap.after",),
    "symlink rolled back": ("folder.swap.after",),
    "journal rolled back": ("folder.journal.file",),
}
_LATER = (
    "engine.resumed",
    "promote.taken",
    "promote.recovered",
    "git.back.after",
    "folder.back.swap.before",
    "folder.journal.file",
    "run.told",
    "run.recorded",
)
"""Of the markers of a recovery, those of the short tier."""
_SHARES = 8 if FAR else 1
"""Into how many tests the cases of a scenario are divided, for as many processes to carry them out."""


@pytest.mark.slow
@pytest.mark.parametrize("share", range(_SHARES))
@pytest.mark.parametrize("scenario", list(_FIRST))
def test_a_recovery_that_is_killed_is_recovered_from(bench: Bench, counted: Counted, scenario: str, share: int) -> None:
    outcomes = []
    firsts = tuple(dict.fromkeys(bench.run(Case(scenario)).actions[0])) if FAR else _FIRST[scenario]
    for first in firsts[share::_SHARES]:
        well = bench.run(Case(scenario, 0, Fault(KILL, first)))
        outcomes.append(well)
        later = [marker for marker in dict.fromkeys(well.recovery) if FAR or marker in _LATER]
        for marker in later:
            outcomes.append(bench.run(Case(scenario, 0, Fault(KILL, first), (Fault(KILL, marker),))))
            if FAR:
                outcomes.append(bench.run(Case(scenario, 0, Fault(KILL, first), (Fault(EIO, marker),))))
    counted(f"killed again in recovery, '{scenario}', {share + 1} of {_SHARES}", outcomes)
