"""The sequential test against values by hand, and the rate of false alarms that its docstring gives."""

from collections import defaultdict
from math import log

import pytest

from runner.probes.options import Advanced
from runner.probes.sprt import Sprt

DEFAULT = Advanced().test


def after(outcomes: str, test: Sprt = DEFAULT) -> list[float]:
    """The score after each reading: `x` a failure, `.` a pass."""
    scores, score = [], 0.0
    for outcome in outcomes:
        score = test.step(score, failed=outcome == "x")
        scores.append(score)
    return scores


def test_the_steps_and_bounds_are_those_of_the_defaults() -> None:
    assert (DEFAULT.failure, DEFAULT.success) == pytest.approx((2.995732, -0.213093), abs=1e-6)
    assert (DEFAULT.broken, DEFAULT.healthy) == pytest.approx((6.897705, -4.604170), abs=1e-6)


@pytest.mark.parametrize(
    ("outcomes", "score"),
    [
        ("x", 2.995732),
        ("xx", 5.991465),
        ("xxx", 8.987197),
        (".", -0.213093),
        ("." * 21, -4.474958),
        ("." * 22, -4.604170),
        ("." * 500, -4.604170),
        ("." * 500 + "x", -1.608437),
        ("." * 500 + "xxxx", 7.378760),
        ("x.x.x", 8.561011),
    ],
)
def test_the_score_is_as_computed_by_hand(outcomes: str, score: float) -> None:
    assert after(outcomes)[-1] == pytest.approx(score, abs=1e-6)


def test_three_failures_are_broken_and_twenty_two_passes_are_healthy() -> None:
    assert [score >= DEFAULT.broken for score in after("xxx")] == [False, False, True]
    healthy = [score <= DEFAULT.healthy for score in after("." * 30)]
    assert healthy == [False] * 21 + [True] * 9
    assert (DEFAULT.failures, DEFAULT.passes) == (3, 22)


@pytest.mark.parametrize(
    ("p_healthy", "p_broken", "alpha", "beta"), [(0.01, 0.2, 1e-4, 1e-3), (0.05, 0.5, 0.01, 0.01), (0.001, 0.999, 0.1, 0.1)]
)
def test_counts_are_those_that_the_steps_need(p_healthy: float, p_broken: float, alpha: float, beta: float) -> None:
    test = Sprt(p_healthy, p_broken, alpha, beta)
    assert [score >= test.broken for score in after("x" * test.failures, test)] == [False] * (test.failures - 1) + [True]
    assert [score <= test.healthy for score in after("." * test.passes, test)] == [False] * (test.passes - 1) + [True]
    assert test.failure == pytest.approx(log(p_broken / p_healthy))


def false_alarms(readings: int) -> float:
    """The exact chance that a healthy probe is called broken within so many readings, by following every score that it can have."""
    most, live, alarms = Advanced().failures, {(0.0, 0): 1.0}, 0.0
    for _ in range(readings):
        after: dict[tuple[float, int], float] = defaultdict(float)
        for (score, row), chance in live.items():
            after[round(DEFAULT.step(score, failed=False), 9), 0] += chance * (1 - DEFAULT.p_healthy)
            worse = DEFAULT.step(score, failed=True)
            if worse >= DEFAULT.broken or row + 1 >= most:
                alarms += chance * DEFAULT.p_healthy
            else:
                after[round(worse, 9), row + 1] += chance * DEFAULT.p_healthy
        live = after
    return alarms


@pytest.mark.parametrize(("readings", "told"), [(30, "0.03 % end in a false alarm within 30 readings"), (300, "0.08 % within 300")])
def test_the_rate_of_false_alarms_is_the_one_told(readings: int, told: str) -> None:
    assert told in " ".join((Sprt.__doc__ or "").split())
    assert f"{false_alarms(readings):.2%}".replace("%", " %") in told
