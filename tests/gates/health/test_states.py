"""The state of a signal agrees with a model that is written for reading, not for speed."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.gates.health.states import Level, Rules, Seen, standing

GOOD, SOFT, HARD = Level.GOOD, Level.SOFT, Level.HARD
PLAIN = Rules(hold=0, samples=1, recover=300, stale=30)


def seen(*readings: tuple[float, Level | None]) -> list[Seen]:
    return [Seen(at, level) for at, level in readings]


def naive(readings: Sequence[Seen], now: float, rules: Rules) -> Level | None:
    """Straight from the words: entered after `hold` of uninterrupted breach; left after `recover` without a breach."""
    if not readings or readings[-1].level is None or now - readings[-1].at > rules.stale:
        return None
    for level in (HARD, SOFT):
        if any(lasting(readings, start, now, level, rules) for start in range(len(readings))):
            return level
    return GOOD


def lasting(readings: Sequence[Seen], entry: int, now: float, level: Level, rules: Rules) -> bool:
    """Whether the limit was entered at reading `entry`, and no `recover` without a breach has passed since."""
    if not any(entered(readings[first : entry + 1], level, rules) for first in range(entry + 1)):
        return False
    breaches = [one.at for one in readings[entry:] if one.level is not None and one.level >= level]
    if any(later - before >= rules.recover for before, later in pairwise(breaches)):
        return False
    still = readings[-1].level is not None and readings[-1].level >= level
    return still or now - breaches[-1] < rules.recover


def entered(run: Sequence[Seen], level: Level, rules: Rules) -> bool:
    unbroken = all(one.level is not None and one.level >= level for one in run)
    close = all(later.at - before.at <= rules.stale for before, later in pairwise(run))
    return unbroken and close and len(run) >= rules.samples and run[-1].at - run[0].at >= rules.hold


LEVELS = st.sampled_from([GOOD, SOFT, HARD, None])


@given(
    st.lists(st.tuples(st.integers(0, 40), LEVELS), max_size=12),
    st.integers(0, 40),
    st.builds(Rules, st.integers(0, 60), st.integers(1, 4), st.integers(1, 80), st.integers(1, 30)),
)
@example([(0, HARD), (10, GOOD)], 0, Rules(0, 1, 10, 30))
def test_the_fold_agrees_with_the_words(steps, rest, rules):
    at = 0
    readings = []
    for gap, level in steps:
        at += gap
        readings.append(Seen(at, level))
    found = standing(readings, at + rest, rules)
    assert found.level == naive(readings, at + rest, rules)
    if found.level in (SOFT, HARD):
        assert 0 < found.wait <= rules.recover


def test_a_breach_counts_at_once_where_nothing_asks_it_to_last():
    assert standing(seen((0, HARD)), 0, PLAIN) == (HARD, 300)


def test_a_breach_must_last_where_that_is_asked_for():
    rules = PLAIN._replace(hold=50)
    assert standing(seen((0, HARD), (25, HARD)), 25, rules).level is GOOD
    assert standing(seen((0, HARD), (25, HARD), (50, HARD)), 50, rules).level is HARD
    assert standing(seen((0, HARD), (25, GOOD), (50, HARD)), 50, rules).level is GOOD


def test_two_breaches_with_nothing_known_between_them_are_not_one():
    rules = PLAIN._replace(hold=50)
    assert standing(seen((0, HARD), (31, HARD), (61, HARD)), 61, rules).level is GOOD
    assert standing(seen((0, HARD), (25, None), (50, HARD)), 50, rules).level is GOOD


def test_a_signal_is_good_again_only_after_the_time_to_recover():
    history = seen((0, HARD), (10, GOOD))
    assert standing(history, 10, PLAIN) == (HARD, 290)
    assert standing([*history, Seen(299, GOOD)], 299, PLAIN) == (HARD, 1)
    assert standing([*history, Seen(300, GOOD)], 300, PLAIN).level is GOOD


def test_one_more_breach_starts_the_recovery_anew():
    assert standing(seen((0, HARD), (250, SOFT), (310, GOOD)), 310, PLAIN) == (SOFT, 240)
    assert standing(seen((0, HARD), (250, HARD), (310, GOOD)), 310, PLAIN) == (HARD, 240)


@pytest.mark.parametrize("history", [[], [(0, None)], [(0, GOOD)], [(0, HARD)]])
def test_without_a_fresh_reading_nothing_is_known(history):
    assert standing(seen(*history), 31, PLAIN).level is None
