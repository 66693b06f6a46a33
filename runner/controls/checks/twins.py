"""Check `twins`: tests of the base that run changed functions, each with a wrong expectation, are red on the patched tree as on the base."""

from collections.abc import Mapping, Sequence

from runner.controls.asking import Answer, Asking, Outcomes, unproven
from runner.controls.ids import function_of
from runner.controls.subject import Subject
from runner.controls.twins import Asked, twins
from runner.model.result import Cause, Finding, Outcome, Result
from runner.model.suite import TestOutcome
from runner.model.text import printable

CHECK = "twins"
MOST = 20
"""Tests with a twin."""
LONGEST = 4.0
"""Seconds that these take on the base together."""
SHOWN = 20
_TURNS = (0, 0, 0, 1, 2)
"""The last assertion catches most (`facts/controls.md`); now and then another one, so that nobody can count on it."""


def begin(asking: Asking) -> Answer:
    """Run the twins over both trees, side by side."""
    subject = asking.subject
    tests = subject.chosen(MOST, LONGEST)
    if not tests:
        return lambda: (unproven(subject, CHECK, "no test of the base that passes runs a changed function"),)
    files = _twins(subject, tests)
    asked = tuple(test for test in tests if function_of(test) in files.get(subject.sound[test].path, (b"", frozenset()))[1])
    if not asked:
        return lambda: (unproven(subject, CHECK, f"none of {len(tests)} tests holds an expectation that could be made wrong"),)
    contents = {path: source for path, (source, _) in files.items()}
    on_base = asking.tests_of_base("twins", subject.trees.with_files(subject.bench.base_tree, contents), asked)
    on_patched = asking.tests("twins", subject.trees.with_files(subject.verdict_tree, contents), asked)
    return lambda: (judge(asked, on_base.result(), on_patched.result(), _paths(subject, asked)),)


def _twins(subject: Subject, tests: Sequence[str]) -> Mapping[str, tuple[bytes, frozenset[str]]]:
    """By path, the twin of a test file and the functions that were altered in it."""
    paths = sorted({subject.sound[test].path for test in tests})
    sources = {path: subject.trees.read(subject.bench.base_tree, path) for path in paths}
    alike = [path for path in paths if sources[path] is not None and sources[path] == subject.trees.read(subject.verdict_tree, path)]
    asked = [
        Asked(
            sources[path] or b"",
            {function_of(test) for test in tests if subject.sound[test].path == path},
            _TURNS[subject.draw(f"turn {path}") % len(_TURNS)],
        )
        for path in alike
    ]
    return {
        path: (made.source, frozenset(altered.function for altered in made.altered))
        for path, made in zip(alike, twins(asked), strict=True)
        if made
    }


def _paths(subject: Subject, tests: Sequence[str]) -> Mapping[str, str]:
    return {test: subject.sound[test].path for test in tests}


def judge(tests: Sequence[str], on_base: Outcomes, on_patched: Outcomes, paths: Mapping[str, str]) -> Result:
    """The check's answer, test by test: a twin that is not red on the base proves nothing."""
    biting = [test for test in tests if test in on_base and on_base[test].failed]
    green = [test for test in biting if on_patched.get(test) in (TestOutcome.PASSED, TestOutcome.XFAILED, TestOutcome.XPASSED)]
    if green:
        findings = tuple(
            Finding(path=paths[test], rule="twins.green", message=f"{printable(test)} passes with an expectation that is wrong")
            for test in green[:SHOWN]
        )
        reason = f"forged: {len(green)} of {len(biting)} tests pass on the patched tree with expectations that are wrong, first {printable(green[0])}"
        return Result(check=CHECK, outcome=Outcome.FAIL, reason=reason, measured=len(biting), findings=findings)
    if not biting:
        reason = f"none of {len(tests)} tests with a wrong expectation was red on the base: they prove nothing"
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)
    silent = [test for test in biting if test not in on_patched or not on_patched[test].failed]
    if silent:
        reason = (
            f"{len(silent)} of {len(biting)} tests with wrong expectations gave no result on the patched tree, first {printable(silent[0])}"
        )
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason, measured=len(biting))
    reason = f"{len(biting)} tests that run what was changed are red when what they expect is wrong"
    return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(biting))
