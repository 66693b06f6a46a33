"""Running tests again: broken or flaky, hung or crashed, or only in bad company."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from runner.model.flaky import Tally
from runner.model.suite import Stop, SuiteRun, TestOutcome, TestRecord
from runner.trial.compare import by_id

MOST = 50
"""How many suspects are run again; more of them than that are not a matter of chance."""


class Bench(Protocol):
    """What makes suite runs."""

    def run(self, purpose: str, tree: str, *, only: Sequence[str] = (), base: SuiteRun | None = None, alone: bool = False) -> SuiteRun:
        """Run the suite, or the ids `only`, over one tree."""


class Judged(NamedTuple):
    """What running suspects again showed; both are empty where none was."""

    steady: Mapping[str, bool]
    """Of each suspect, whether it fails steadily."""
    tallies: Mapping[str, Tally]
    """What each answered meanwhile, runs without a result left out."""


def judged(bench: Bench, purpose: str, tree: str, base: SuiteRun, times: Mapping[str, int]) -> Judged:
    """Run suspects again, each as often as `times` says: until it has passed alone, and then until it has passed in the whole suite.

    One that never did in one of the two fails steadily (`runner.trial.repeats` says how sure that is). None is run where there are too
    many, and all count as steady.
    """
    if not any(times.values()) or len(times) > MOST:
        return Judged({}, {})
    tallies: dict[str, Tally] = {}
    passing = _passing(lambda left: bench.run(purpose, tree, only=left, base=base), times, tallies)
    # alone they pass; in the whole suite they may fail every time, because of what runs before them
    passing = _passing(lambda _: bench.run(purpose, tree, base=base), passing, tallies)
    return Judged({test: test not in passing for test in times}, tallies)


def _passing(run: Callable[[Sequence[str]], SuiteRun], times: Mapping[str, int], tallies: dict[str, Tally]) -> Mapping[str, int]:
    """Those that passed before their runs were used up, with how many each may have; counts what every run showed."""
    passed: set[str] = set()
    for done in range(max(times.values(), default=0)):
        left = [test for test, most in times.items() if most > done and test not in passed]
        if not left:
            break
        found = run(left)
        held, records = _held(found), by_id(found)
        for test in left:
            if test in held or (test in records and records[test].outcome.failed):
                tallies[test] = tallies.get(test, Tally()).plus(Tally(1, int(test not in held)))
        passed |= held.intersection(left)
    return {test: most for test, most in times.items() if test in passed}


def _held(run: SuiteRun) -> set[str]:
    return {test for test, record in by_id(run).items() if record.outcome in (TestOutcome.PASSED, TestOutcome.XPASSED)}


def alone(bench: Bench, tree: str, base: SuiteRun, patched: SuiteRun) -> SuiteRun:
    """The patched run, where the test in flight has an explicit result: alone, it hangs or ends the process again, or it does not."""
    test = patched.in_flight
    known = by_id(base).get(test) if test else None
    if test is None or known is None or not known.outcome.held or test in by_id(patched):
        return patched
    run = bench.run("rerun", tree, only=[test], base=base, alone=True)
    if run.in_flight != test or test in by_id(run):
        return patched
    outcome = TestOutcome.CRASHED if run.stop is Stop.EXITED else TestOutcome.HUNG
    record = TestRecord(id=test, path=known.path, outcome=outcome, seconds=run.usage.seconds, text=_told(run, known))
    return SuiteRun(**{**dict(patched), "records": (*patched.records, record)})


def _told(run: SuiteRun, known: TestRecord) -> str:
    if run.stop is Stop.EXITED:
        return f"run alone it ended the process (exit status {run.exit_code})"
    return f"run alone it did not end in {run.usage.seconds:.0f}s; on the base it took {known.seconds:.2f}s"
