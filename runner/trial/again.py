"""Running tests again: broken or flaky, hung or crashed, or only in bad company."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from runner.model.suite import Stop, SuiteRun, TestOutcome, TestRecord
from runner.trial.compare import by_id

MOST = 50
"""How many suspects are run again; more of them than that are not a matter of chance."""


class Bench(Protocol):
    """What makes suite runs."""

    def run(self, purpose: str, tree: str, *, only: Sequence[str] = (), base: SuiteRun | None = None, alone: bool = False) -> SuiteRun:
        """Run the suite, or the ids `only`, over one tree."""


def steady(bench: Bench, purpose: str, tree: str, base: SuiteRun, suspects: Sequence[str], times: int) -> Mapping[str, bool]:
    """Of each suspect, whether it fails steadily: not when it passes alone every one of `times`, and then in the whole suite.

    Empty, so that all count as steady, when there are none, too many, or nothing is to be run again.
    """
    if not suspects or not times or len(suspects) > MOST:
        return {}
    passing = set(suspects)
    for _ in range(times):
        passing &= _held(bench.run(purpose, tree, only=suspects, base=base))
        if not passing:
            break
    if passing:
        # alone they pass; in the whole suite they may fail every time, because of what runs before them
        passing &= _held(bench.run(purpose, tree, base=base))
    return {test: test not in passing for test in suspects}


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
