"""Check `dead-body`: tests of the base that run a changed function are red on the patched tree when it does nothing but raise."""

from collections.abc import Mapping, Sequence

from runner.controls.asking import Answer, Asking, Outcomes, is_red, unproven
from runner.controls.dead_bodies import dead
from runner.controls.subject import Function, Subject
from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.suite import TestOutcome
from runner.model.text import printable

CHECK = "dead-body"
MOST = 20
LONGEST = 4.0
"""Seconds that these tests take on the base together."""
SHOWN = 20


def begin(asking: Asking) -> Answer:
    """Run the tests over the patched tree with dead functions; those that are not red there over the base with dead functions, too."""
    subject = asking.subject
    tests = subject.chosen(MOST, LONGEST)
    covered = {function for function in subject.functions if any(test in subject.sound for test in subject.recording.covering((function,)))}
    if not tests:
        return lambda: (unproven(subject, CHECK, "no test of the base that passes runs a changed function"),)
    bases, patched = _dead(subject, covered)
    if not bases:
        return lambda: (unproven(subject, CHECK, "no changed function could be made to raise"),)
    told = asking.tests("dead body", subject.trees.with_files(subject.verdict_tree, patched), tests)
    paths = {test: subject.sound[test].path for test in tests}
    spared = sorted(f"{path}: {name}" for path, name in covered if path not in bases or not _lives(subject, path, name))

    def answer() -> tuple[Result, ...]:
        on_patched: Outcomes = told.result()
        on_base: Outcomes = {}
        if left := tuple(test for test in tests if not is_red(test, on_patched)):
            on_base = asking.tests_of_base("dead body", subject.trees.with_files(subject.bench.base_tree, bases), left).result()
            if not on_base and len(left) == len(tests):
                why = "the changed functions run while the suite is collected: when they raise, no test is left to ask"
                return (unproven(subject, CHECK, why),)
        said = judge(tests, on_base, on_patched, paths)
        if said.outcome is Outcome.PASS and spared:
            named = printable(spared[0])
            return (unproven(subject, CHECK, f"{len(spared)} changed functions could not be made to raise, first {named}; {said.reason}"),)
        return (said,)

    return answer


def _lives(subject: Subject, path: str, name: str) -> bool:
    """Whether the file has a function of that name on both sides."""
    return any(file.path == path and name in file.both.shared for file in subject.files)


def _dead(subject: Subject, covered: set[Function]) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """Contents by path on the base and on the patched tree, where both could be made."""
    bases, patched = {}, {}
    for file in subject.files:
        names = {name for path, name in covered if path == file.path and name in file.both.shared}
        if names and file.base is not None and file.patched is not None:
            before, after = dead(file.base, names), dead(file.patched, names)
            if before is not None and after is not None:
                bases[file.path], patched[file.path] = before, after
    return bases, patched


def judge(tests: Sequence[str], on_base: Outcomes, on_patched: Outcomes, paths: Mapping[str, str]) -> Result:
    """The check's answer, test by test: one that is red on the patched tree is its own proof, one that is red on neither tree is none."""
    biting = [test for test in tests if is_red(test, on_patched) or is_red(test, on_base)]
    green = [test for test in biting if on_patched.get(test) is TestOutcome.PASSED]
    if green:
        findings = tuple(
            Finding(
                path=paths[test],
                rule="dead-body.green",
                message=f"{printable(test)} passes although what it ran on the base does nothing but raise",
                severity=Severity.WARNING,
            )
            for test in green[:SHOWN]
        )
        reason = (
            f"{len(green)} of {len(biting)} tests pass on the patched tree although the changed functions that they ran on the base "
            f"raise there, first {printable(green[0])}"
        )
        return Result(check=CHECK, outcome=Outcome.HOLD, reason=reason, measured=len(biting), findings=findings)
    if not biting:
        reason = f"none of {len(tests)} tests was red on the base when the changed functions raise: they prove nothing"
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)
    silent = [test for test in biting if not is_red(test, on_patched)]
    if silent:
        reason = f"{len(silent)} of {len(biting)} tests neither passed nor failed with dead functions on the patched tree, first {printable(silent[0])}"
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason, measured=len(biting))
    reason = f"{len(biting)} tests are red when the changed functions that they run raise"
    return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(biting))
