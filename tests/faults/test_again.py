"""What recovers dies, too: killed at each marker of a recovery, the next one still brings everything to its end."""

from collections.abc import Callable, Sequence

import pytest

from testing.faults.cases import Bench, Case, Outcome
from testing.faults.orders import EIO, KILL, Fault
from tests.faults.conftest import FAR

Counted = Callable[[str, Sequence[Outcome]], None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FAR, reason="part of the long tier: make faults; test_enumerated kills each recovery once"),
]
_SCENARIOS = ("git rolled back", "exchange rolled back", "symlink rolled back", "journal rolled back")
_SHARES = 8
"""Into how many tests the cases of a scenario are divided, for as many processes to carry them out."""


@pytest.mark.parametrize("share", range(_SHARES if FAR else 1))
@pytest.mark.parametrize("scenario", _SCENARIOS)
def test_a_recovery_that_is_killed_is_recovered_from(bench: Bench, counted: Counted, scenario: str, share: int) -> None:
    outcomes = []
    firsts = tuple(dict.fromkeys(bench.run(Case(scenario)).actions[0]))
    for first in firsts[share::_SHARES]:
        well = bench.run(Case(scenario, 0, Fault(KILL, first)))
        outcomes.append(well)
        for marker in dict.fromkeys(well.recovery):
            outcomes.append(bench.run(Case(scenario, 0, Fault(KILL, first), (Fault(KILL, marker),))))
            outcomes.append(bench.run(Case(scenario, 0, Fault(KILL, first), (Fault(EIO, marker),))))
    counted(f"killed again in recovery, '{scenario}', {share + 1} of {_SHARES}", outcomes)
