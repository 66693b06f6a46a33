"""The slope of a shrinking quantity, against series worked out by hand."""

import random

import pytest

from runner.gates.health.forecast import LEAST_POINTS, MOST_POINTS, reaches, slope, surely_reaches

FALLING = [(60.0 * step, 10_000.0 - 100 * step) for step in range(30)]
"""100 less each minute: 7100 at the last point."""


def test_a_straight_line_has_its_slope_and_no_doubt():
    found = slope(FALLING, span=1000)
    assert found is not None
    assert found == pytest.approx((-100 / 60, -100 / 60, -100 / 60, 7100))
    assert reaches(found, 100) == pytest.approx(70 * 60)
    assert surely_reaches(found, 100, 4201)
    assert not surely_reaches(found, 100, 4199)


def test_one_outlier_does_not_move_it():
    wild = [*FALLING[:20], (FALLING[20][0], 0.0), *FALLING[21:]]
    last = [*FALLING[:-1], (FALLING[-1][0], 0.0)]
    for points in (wild, last):
        found = slope(points, span=1000)
        assert found is not None
        assert found.median == pytest.approx(-100 / 60, rel=0.02)
        assert found.level == pytest.approx(7100, rel=0.02)


def test_noise_without_a_slope_is_never_sure():
    noise = random.Random(4)
    points = [(60.0 * step, 10_000 + noise.gauss(0, 500)) for step in range(40)]
    found = slope(points, span=1000)
    assert found is not None
    assert found.low < 0 < found.high
    assert not surely_reaches(found, 9_000, 4 * 3600)


def test_the_bounds_hold_the_true_slope_nineteen_times_in_twenty():
    noise = random.Random(7)
    held = 0
    for _ in range(200):
        found = slope([(60.0 * step, 1e6 - 5 * step + noise.gauss(0, 40)) for step in range(20)], span=0)
        assert found is not None
        held += found.low <= -5 / 60 <= found.high
    assert held >= 180


def test_too_few_points_or_too_short_a_time_give_no_forecast():
    assert slope(FALLING[: LEAST_POINTS - 1], span=0) is None
    assert slope(FALLING, span=30 * 60) is None
    assert slope([(0.0, 1.0)] * 50, span=0) is None
    assert slope([], span=0) is None


def test_what_grows_or_stands_still_is_never_full():
    for sign in (0, 1):
        found = slope([(60.0 * step, 10_000.0 + sign * step) for step in range(30)], span=0)
        assert found is not None
        assert reaches(found, 0) is None
        assert not surely_reaches(found, 0, 1e9)


def test_a_long_history_is_thinned_and_keeps_its_newest_point():
    found = slope([(float(step), 1e9 - step) for step in range(20 * MOST_POINTS + 7)], span=0)
    assert found is not None
    assert found.level == pytest.approx(1e9 - (20 * MOST_POINTS + 6))
