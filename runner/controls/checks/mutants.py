"""Check `mutants`: tests of the base notice when a changed line of the patched tree is broken."""

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from runner.controls.asking import Answer, Asking, Outcomes, unproven
from runner.controls.mutants import Mutant, mutants, of_functions
from runner.controls.subject import ChangedFile, Subject
from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.text import printable

CHECK = "mutants"
MOST = 9
"""Mutants of one change."""
MOST_FILES = 100
"""Files that are read for them."""
TESTS = 20
"""Tests that each is given to."""
LONGEST = 5.0
"""Seconds that these take on the base together."""


class Tried(NamedTuple):
    """A mutant, and the tests that it is given to."""

    path: str
    mutant: Mutant
    tests: Sequence[str]


def begin(asking: Asking) -> Answer:
    """Give each mutant to tests of the base that run its function, in a sandbox of its own."""
    subject = asking.subject
    tried = _made(subject)
    if not tried:
        return lambda: (unproven(subject, CHECK, "no test of the base that passes runs a function with a changed line that can be broken"),)
    told = [
        asking.tests("mutant", subject.trees.with_files(subject.verdict_tree, {one.path: one.mutant.source}), one.tests) for one in tried
    ]
    return lambda: (judge(tried, [future.result() for future in told], subject),)


def _made(subject: Subject) -> list[Tried]:
    """At most `MOST`, of each file in turn, in an order that the seed gives; those that no test is there for take nobody's place."""
    files = sorted(zip(subject.files, subject.changed_lines, strict=True), key=lambda pair: subject.draw(f"mutants {pair[0].path}"))
    rows = []
    for file, changed in files[:MOST_FILES]:
        made = _of_file(file, changed or {}, MOST, subject.seed)
        rows.append([one for mutant in made if (one := _tried(subject, file.path, mutant)).tests])
    return [one for turn in zip_longest(*rows) for one in turn if one is not None][:MOST]


def _tried(subject: Subject, path: str, mutant: Mutant) -> Tried:
    known = subject.recording.covering({(path, mutant.function)})
    return Tried(path, mutant, _few([test for test in known if test in subject.sound], subject))


def _of_file(file: ChangedFile, changed: Mapping[int, str], most: int, seed: str) -> Collection[Mutant]:
    """Of its changed lines; where the change only takes away, of the functions that it takes from."""
    if file.patched is None:
        return ()
    return mutants(file.patched, set(changed), most, seed) if changed else of_functions(file.patched, file.functions, most, seed)


def _few(tests: Sequence[str], subject: Subject) -> tuple[str, ...]:
    taken: list[str] = []
    left = LONGEST
    for test in tests[:TESTS]:
        left -= subject.sound[test].seconds
        if left > 0:
            taken.append(test)
    return tuple(taken)


def judge(tried: Sequence[Tried], told: Sequence[Outcomes], subject: Subject) -> Result:
    """The check's answer: a mutant that no test notices survives, and what follows is the policy's to say.

    Survivors are common in honest changes (13 of 30 in `facts/controls.md`); a mutant whose tests gave no result proves nothing.
    """
    seen = [(one, outcomes) for one, outcomes in zip(tried, told, strict=True) if outcomes]
    if not seen:
        reason = f"none of {len(tried)} mutants came to a result"
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)
    alive = [one for one, outcomes in seen if not any(outcome.failed for outcome in outcomes.values()) and set(one.tests) <= set(outcomes)]
    if not alive:
        reason = f"tests of the base notice each of {len(seen)} mutants of changed lines"
        return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(seen))
    findings = tuple(
        Finding(
            path=one.path,
            line=one.mutant.line,
            rule="mutants.survived",
            message=f"no test of the base notices '{printable(one.mutant.now.strip())}' in place of '{printable(one.mutant.was.strip())}'",
            severity=Severity.WARNING,
        )
        for one in alive
    )
    first = findings[0]
    return Result(
        check=CHECK,
        outcome=Outcome.HOLD if subject.options.survivors == "hold" else Outcome.WARN,
        reason=f"tests of the base do not notice {len(alive)} of {len(seen)} mutants of changed lines, first {first.path}:{first.line}",
        measured=len(seen) - len(alive),
        limit=len(seen),
        findings=findings,
    )
