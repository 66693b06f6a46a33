"""What a trial knows of tests that waver, and what it adds to what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from runner.model.flaky import Past, Tally
from runner.model.suite import Comparison, SuiteRun, TestRecord
from runner.trial.compare import by_id, flaky_on_base, function, unstable_functions


@dataclass(frozen=True)
class Repeated:
    """What came of running suspects again, and what was known of them before."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)
    """What each answered over the patched tree when it was run again."""
    past: Mapping[str, Past] = field(default_factory=dict)

    def told(self, test: str) -> str:
        """What there is to say of a failing test, as clauses that follow its outcome; empty when it was never run again."""
        parts = []
        if tally := self.tallies.get(test):
            parts.append(f"run again, it failed {tally.failures} of {tally.runs} times")
        if past := self.past.get(test):
            day = datetime.fromtimestamp(past.seen, UTC).date().isoformat()
            parts.append(f"known as flaky: {past.failures} of {past.runs} runs failed, last on {day}")
        return "; ".join(parts)

    def beside(self, comparison: Comparison) -> Comparison:
        """The comparison with that beside each broken or flaky test. No Result says it: a person's approval is bound to Results."""
        lists = {name: getattr(comparison, name) for name in ("broken", "flaky")}
        noted = {name: tuple(pair.model_copy(update={"note": self.told(pair.id)}) for pair in pairs) for name, pairs in lists.items()}
        return comparison.model_copy(update=noted)


class Seen(NamedTuple):
    """What one trial adds to what is known."""

    wavered: Mapping[str, Tally]
    passed: frozenset[str]


def seen(base: Sequence[SuiteRun], patched: SuiteRun, steady: Mapping[str, bool], again: Mapping[str, Tally], *, cached: bool) -> Seen:
    """Tests that failed and passed over one tree, with all that they answered over it, and tests that passed over the patched one.

    Runs of the base from an earlier trial (`cached`) were counted then; failures of a test that the change breaks are the change's, and
    not counted at all.
    """
    unstable, before, after = unstable_functions(base), [by_id(run) for run in base], by_id(patched)
    wavered = {test: _tally(test, before) for test in (() if cached else sorted(flaky_on_base(base)))}
    for test in (test for test, fails in steady.items() if not fails):
        wavered[test] = wavered.get(test, Tally()).plus(_tally(test, [after])).plus(again.get(test, Tally()))
    known = {test: tally for test, tally in wavered.items() if tally.wavers and function(test) not in unstable}
    return Seen(known, frozenset(test for test, record in after.items() if record.outcome.held and test not in known))


def _tally(test: str, runs: Sequence[Mapping[str, TestRecord]]) -> Tally:
    outcomes = [run[test].outcome for run in runs if test in run]
    failures = sum(outcome.failed for outcome in outcomes)
    return Tally(failures + sum(outcome.held for outcome in outcomes), failures)
