"""Running suspects again: when it ends, what counts as a pass, and what is counted."""

from collections.abc import Mapping
from typing import Any

from runner.model.flaky import Tally
from runner.model.suite import SuiteRun
from runner.trial.again import MOST, judged
from testing.builders import a_run


class Told:
    """A bench that answers run after run, and keeps which ids each was for."""

    def __init__(self, *answers: Mapping[str, str]) -> None:
        self.answers, self.asked = list(answers), []

    def run(self, purpose: str, tree: str, *, only: Any = (), base: Any = None, alone: bool = False) -> SuiteRun:
        self.asked.append(tuple(only))
        return a_run(dict(self.answers.pop(0)))


def test_the_first_pass_ends_the_runs_alone_and_the_first_pass_in_the_suite_ends_all() -> None:
    bench = Told({"a": "failed", "b": "passed"}, {"a": "passed"}, {"a": "passed", "b": "failed"}, {"a": "failed", "b": "passed"})
    answer = judged(bench, "rerun", "tree", a_run({}), {"a": 5, "b": 5})
    assert answer.steady == {"a": False, "b": False}
    assert bench.asked == [("a", "b"), ("a",), (), ()]
    assert answer.tallies == {"a": Tally(3, 1), "b": Tally(3, 1)}


def test_each_suspect_has_as_many_runs_as_its_past_asks_for() -> None:
    bench = Told({"a": "failed", "b": "failed"}, {"b": "failed"}, {"b": "passed"}, {"b": "passed"})
    assert judged(bench, "rerun", "tree", a_run({}), {"a": 1, "b": 3}).steady == {"a": True, "b": False}
    assert bench.asked == [("a", "b"), ("b",), ("b",), ()]


def test_a_run_without_a_result_or_with_a_skip_is_no_pass_and_is_not_counted() -> None:
    answer = judged(Told({}, {"a": "skipped"}, {"a": "xfailed"}), "rerun", "tree", a_run({}), {"a": 3})
    assert (answer.steady, answer.tallies) == ({"a": True}, {})


def test_too_many_are_no_matter_of_chance_and_none_is_run() -> None:
    bench = Told()
    assert judged(bench, "rerun", "tree", a_run({}), dict.fromkeys(map(str, range(MOST + 1)), 2)).steady == {}
    assert judged(bench, "rerun", "tree", a_run({}), {"a": 0}).steady == {}
    assert bench.asked == []
