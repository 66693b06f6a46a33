"""How often a suspect is run again: the stated errors are those of the rule that is really carried out, by enumeration and by chance."""

import random
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from runner.model.flaky import Past
from runner.model.suite import SuiteRun
from runner.trial import again
from runner.trial.repeats import MOST, mistaken, needed, times
from testing.builders import a_run

TEST = "t.py::a"


class Coin:
    """A bench whose one test answers as it is told, one answer a run."""

    def __init__(self, answers: Sequence[bool]) -> None:
        self.answers, self.used = answers, 0

    def run(self, purpose: str, tree: str, *, only: Any = (), base: Any = None, alone: bool = False) -> SuiteRun:
        passes = self.answers[self.used]
        self.used += 1
        return a_run({TEST: "passed" if passes else "failed"})


def called_broken(answers: Sequence[bool], most: int) -> bool:
    return again.judged(Coin(answers), "rerun", "tree", a_run({}), {TEST: most}).steady[TEST]


def a_past(runs: int, failures: int) -> Past:
    return Past(runs=runs, failures=failures, seen=1.0, base="b" * 40)


@pytest.mark.parametrize("most", [1, 2, 3, 4])
@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 0.5, 0.9, 1.0])
def test_the_stated_chance_to_call_a_flaky_test_broken_is_that_of_every_possible_course(rate: float, most: int) -> None:
    chance = 0.0
    for answers in product((True, False), repeat=2 * most):
        weight = 1.0
        for passes in answers:
            weight *= (1 - rate) if passes else rate
        chance += weight * called_broken(answers, most)
    assert chance == pytest.approx(mistaken(rate, most), abs=1e-12)
    assert chance <= 2 * rate**most + 1e-12


@pytest.mark.parametrize("most", [1, 2, 7, 20])
def test_a_steady_failure_is_never_called_flaky(most: int) -> None:
    assert called_broken([False] * 2 * most, most)
    assert called_broken([True] + [False] * most, most), "alone it passes, in the suite it never does"


def test_the_error_of_a_test_with_a_past_is_kept_in_simulated_trials() -> None:
    past, chance, trials = a_past(38, 15), random.Random(21), 20_000
    assert past.rate == pytest.approx(0.4)
    most = needed(past, 2, 0.01)
    wrong = sum(called_broken([chance.random() >= past.rate for _ in range(2 * most)], most) for _ in range(trials))
    assert most == 6
    assert 0 < wrong / trials <= 0.01


@pytest.mark.parametrize(
    ("past", "reruns", "error", "runs"),
    [
        (None, 2, 0.01, 2),
        (a_past(3, 1), 0, 0.01, 0),
        (a_past(3, 1), 2, 0.01, 6),
        (a_past(3, 1), 2, 0.5, 2),
        (a_past(3, 1), 9, 0.01, 9),
        (a_past(100, 1), 2, 0.01, 2),
        (a_past(100, 99), 2, 0.01, MOST),
        (a_past(3, 1), 20, 0.01, 20),
    ],
    ids=["no past", "never", "a third fail", "loose bound", "more were asked for", "seldom", "nearly always", "the most"],
)
def test_a_past_adds_runs_up_to_the_most_and_never_takes_any_away(past: Past | None, reruns: int, error: float, runs: int) -> None:
    assert times([TEST], {TEST: past} if past else {}, reruns, error) == {TEST: runs}
