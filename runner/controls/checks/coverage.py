"""Check `coverage`: tests of the base run the lines that the change wrote into functions."""

from collections.abc import Iterator, Mapping

from runner.controls import recording
from runner.controls.asking import Answer, Asking, unproven
from runner.controls.recorded import Recording
from runner.controls.subject import Subject
from runner.model.result import Finding, Outcome, Result, Severity
from runner.model.text import printable

CHECK = "coverage"
MOST = 150
LONGEST = 4.0
"""Seconds that the tests take on the base together."""
SHOWN = 50
Lines = Mapping[str, Mapping[int, str]]
"""By path, the functions' names by line."""


def begin(asking: Asking) -> Answer:
    """Run the tests that run changed functions once more, over the patched tree, with their lines noted."""
    subject = asking.subject
    found = subject.changed_lines
    if unread := [file.path for file, changed in zip(subject.files, found, strict=True) if changed is None]:
        return lambda: (unproven(subject, CHECK, f"{printable(unread[0])} cannot be read"),)
    lines = {file.path: changed for file, changed in zip(subject.files, found, strict=True) if changed}
    tests = subject.chosen(MOST, LONGEST)
    if lines and not tests and subject.recording.covering(subject.functions):
        return lambda: (unproven(subject, CHECK, "no test of the base that runs a changed function passes with the change"),)
    if not lines or not tests:
        return lambda: (judge(lines, Recording(complete=True, has_lines=True), subject),)
    told = asking.submit(
        recording.record, asking.limited, subject.verdict_tree, subject.base[0], only=tests, sources=sorted(lines), lines=True
    )
    every = {test for test in subject.recording.covering(subject.functions) if test in subject.sound}
    asked = "" if every <= set(tests) else f" (of {len(every)} that run changed functions, {len(tests)} were asked)"
    return lambda: (judge(lines, told.result(), subject, asked),)


def judge(lines: Lines, told: Recording, subject: Subject, asked: str = "") -> Result:
    """The check's answer; what is not covered follows the policy, since half of all honest changes leave lines that no old test runs."""
    total = sum(map(len, lines.values()))
    if not lines:
        return Result(check=CHECK, outcome=Outcome.PASS, reason="the change writes no statement into a function", measured=0)
    if not told.has_lines or not told.complete:
        return unproven(subject, CHECK, f"the lines that run could not be noted: {printable(told.problem or 'nothing was told')}")
    bare = {path: sorted(set(wanted) - told.covered_lines(path)) for path, wanted in lines.items()}
    missed = sum(map(len, bare.values()))
    if not missed:
        return Result(check=CHECK, outcome=Outcome.PASS, reason=f"tests of the base run all {total} changed lines", measured=total)
    findings = tuple(_findings(bare, lines))
    first = findings[0]
    return Result(
        check=CHECK,
        outcome=Outcome.HOLD if subject.options.uncovered == "hold" else Outcome.WARN,
        reason=f"no test of the base that passes runs {missed} of {total} changed lines, first {printable(first.path)}:{first.line}{asked}",
        measured=total - missed,
        limit=total,
        findings=findings[:SHOWN],
    )


def _counted(lines: int) -> str:
    return f"{lines} changed line{'' if lines == 1 else 's'}"


def _findings(bare: Mapping[str, list[int]], lines: Lines) -> Iterator[Finding]:
    """One for each function, from the first such line to the last."""
    for path, numbers in bare.items():
        functions: dict[str, list[int]] = {}
        for line in numbers:
            functions.setdefault(lines[path][line], []).append(line)
        for name, rows in functions.items():
            message = f"no test of the base that passes runs {_counted(len(rows))} of {printable(name)}"
            yield Finding(path=path, rule="coverage.line", message=message, line=rows[0], end_line=rows[-1], severity=Severity.WARNING)
