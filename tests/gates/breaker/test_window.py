"""The edges of a breaker's window, of outcomes and of time."""

import pytest

from runner.gates.breaker.fold import Counted, within
from runner.gates.breaker.options import MOST, Options

BREAKER = Options().author


def kept(window: float, now: float, *times: float) -> list[float]:
    options = BREAKER.model_copy(update={"advanced": BREAKER.advanced.model_copy(update={"window": window})})
    return [outcome.at for outcome in within(tuple(Counted(at, failed=True) for at in times), options, now)]


@pytest.mark.parametrize(
    ("now", "left"), [(10.0, [1.0, 10.0]), (9.999, [0.0, 1.0, 10.0]), (11.0, [10.0]), (19.999, [10.0]), (20.0, []), (5.0, [0.0, 1.0, 10.0])]
)
def test_a_window_of_time_holds_what_is_younger_than_its_size_and_what_lies_ahead(now: float, left: list[float]) -> None:
    assert kept(10.0, now, 0.0, 1.0, 10.0) == left


@pytest.mark.parametrize(("size", "left"), [(1, [2.0]), (2, [1.0, 2.0]), (3, [0.0, 1.0, 2.0]), (4, [0.0, 1.0, 2.0])])
def test_a_window_of_outcomes_holds_the_last_however_old(size: int, left: list[float]) -> None:
    assert kept(size, 1e9, 0.0, 1.0, 2.0) == left


def test_a_window_of_time_is_bounded() -> None:
    times = [float(number) for number in range(MOST + 5)]
    assert kept(1e6, float(MOST), *times) == times[5:]
