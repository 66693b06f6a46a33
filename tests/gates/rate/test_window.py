"""The edges of the sliding log."""

import pytest

from runner.gates.rate.options import Limit
from runner.gates.rate.window import use_of


@pytest.mark.parametrize(
    ("now", "used", "wait"),
    [
        (5.0, 2, 5.0),
        (9.5, 2, 0.5),
        (10.0, 1, 0.0),
        (14.0, 1, 0.0),
        (15.0, 0, 0.0),
        (-3.0, 2, 13.0),
    ],
    ids=["full", "nearly over", "the first is as old as the window", "one left", "none left", "the clock was set back"],
)
def test_an_admission_counts_until_it_is_as_old_as_the_window(now: float, used: int, wait: float) -> None:
    assert use_of(Limit(limit=2, per=10.0), (0.0, 5.0), now) == (used, wait)


def test_there_is_room_once_fewer_than_the_limit_are_left() -> None:
    assert use_of(Limit(limit=2, per=10.0), (0.0, 1.0, 2.0, 3.0), 4.0) == (4, 8.0)


@pytest.mark.parametrize(("ahead", "used"), [(3600.0, 1), (3600.5, 0), (31536000.0, 0)])
def test_what_a_clock_that_ran_hours_ahead_wrote_keeps_nobody_out(ahead: float, used: int) -> None:
    assert use_of(Limit(limit=1, per=10.0), (1000.0 + ahead,), 1000.0).used == used
