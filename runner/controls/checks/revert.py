"""Check `revert`: without the rest of the change, some of the tests that it brings fail, as those of a fix do."""

from runner.controls.asking import Answer, Asking, unproven
from runner.controls.subject import Subject
from runner.model.result import Outcome, Result
from runner.model.suite import SuiteRun, TestOutcome
from runner.model.text import printable

CHECK = "revert"
MOST = 200
"""Tests that are asked."""


def begin(asking: Asking) -> Answer:
    """Run the change's new tests over the base's source."""
    subject = asking.subject
    tests = _new(subject)
    if not tests:
        reason = "the change brings no new test that passes"
        return lambda: (Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=0),)
    names = {file.path: file.name for file in subject.change.files}
    tree = subject.trees.with_paths(subject.bench.base_tree, [names[path] for path in subject.tests_side], subject.change.tree)
    told = asking.suite("revert", tree, tests)
    return lambda: (judge(tests, told.result(), subject),)


def _new(subject: Subject) -> tuple[str, ...]:
    known = {record.id for record in subject.base[0].records}
    own = subject.own.records if subject.own else ()
    return tuple(record.id for record in own if record.id not in known and record.outcome is TestOutcome.PASSED)[:MOST]


def judge(tests: tuple[str, ...], run: SuiteRun, subject: Subject) -> Result:
    """The check's answer; a test whose file cannot be collected without the change fails without it, any other without a result says nothing."""
    told = {record.id: record.outcome for record in run.records}
    broken = {error.path for error in run.collect_errors}
    silent = [test for test in tests if test not in told and test.partition("::")[0] not in broken]
    if silent:
        return unproven(subject, CHECK, f"{len(silent)} of {len(tests)} new tests gave no result without the rest of the change")
    needing = [test for test in tests if told.get(test) is not TestOutcome.PASSED]
    if needing:
        reason = f"{len(needing)} of {len(tests)} new tests fail without the rest of the change"
        return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(needing), limit=len(tests))
    reason = (
        f"all {len(tests)} new tests pass without the rest of the change, too: they do not show what it does, first {printable(tests[0])}"
    )
    return Result(check=CHECK, outcome=Outcome.WARN, reason=reason, measured=0, limit=len(tests))
