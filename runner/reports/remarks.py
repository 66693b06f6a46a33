"""What a report has to say about places, most important first: one list for annotations and for SARIF."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.reports.report import PairReport, Report

_FURTHEST: Final = 10**6
"""The last line that is believed to be one."""
_SAID: Final = 3
ORDER: Final = (Outcome.FAIL, Outcome.REFUSE, Outcome.HOLD, Outcome.UNKNOWN, Outcome.WARN)
"""Outcomes that are no pass, the most decisive first."""


class Level(IntEnum):
    """How loud a remark is; the lower, the more important."""

    ERROR = 0
    WARNING = 1
    NOTE = 2


class Remark(NamedTuple):
    """One finding of a check that did not pass, or the check's reason when it has none; `path` is empty where no place is known."""

    level: Level
    check: str
    outcome: Outcome
    rule: str
    message: str
    path: str = ""
    line: int | None = None
    end_line: int | None = None
    fix: str = ""
    said: tuple[str, ...] = ()
    """What a failing test said, in a few lines."""


def remarks(report: Report) -> tuple[Remark, ...]:
    """All remarks, most important first; checks that passed make none."""
    pairs = {pair.id: pair for pair in report.tests.pairs}
    found = [remark for result in report.results if result.outcome is not Outcome.PASS for remark in _of(result, pairs)]
    return tuple(sorted(found, key=lambda remark: (remark.level, ORDER.index(remark.outcome))))


def level_of(outcome: Outcome, severity: Severity, cause: Cause | None = None) -> Level:
    """A fail is an error, what a person must look at a warning, the rest a note; a finding can be quieter than its check, never louder."""
    if outcome is Outcome.FAIL or cause is Cause.INFRASTRUCTURE:
        loudest = Level.ERROR
    elif outcome in (Outcome.HOLD, Outcome.UNKNOWN, Outcome.REFUSE):
        loudest = Level.WARNING
    else:
        loudest = Level.NOTE
    own = {Severity.ERROR: Level.ERROR, Severity.WARNING: Level.WARNING, Severity.INFO: Level.NOTE}[severity]
    return max(loudest, own)


def failing_line(pair: PairReport) -> int | None:
    """The line of the test's own file at which its failure text ends, as pytest writes it (`tests/test_a.py:3: AssertionError`)."""
    if not pair.path:
        return None
    found = re.findall(rf"^{re.escape(pair.path)}:(\d{{1,7}}): ", pair.text, re.MULTILINE | re.ASCII)
    return _line(int(found[-1])) if found else None


def assertion(pair: PairReport) -> tuple[str, ...]:
    """The lines of a failure text that say what was expected, or else its last line."""
    lines = [line.rstrip() for line in pair.text.split("\n") if line.strip()]
    return tuple([line for line in lines if line.startswith("E ")][:_SAID] or lines[-1:])


def _of(result: Result, pairs: dict[str, PairReport]) -> Iterator[Remark]:
    for finding in result.findings:
        yield _remark(result, finding, pairs)
    if not result.findings:
        level = level_of(result.outcome, Severity.ERROR, result.cause)
        yield Remark(level, result.check, result.outcome, result.check, result.reason)


def _remark(result: Result, finding: Finding, pairs: dict[str, PairReport]) -> Remark:
    pair = pairs.get(finding.message) or pairs.get(finding.message.rpartition(": ")[0])
    line = _line(finding.line)
    end = _line(finding.end_line) if line else None
    if line is None and pair is not None and pair.path == finding.path:
        line = failing_line(pair)
    return Remark(
        level=level_of(result.outcome, finding.severity, result.cause),
        check=result.check,
        outcome=result.outcome,
        rule=finding.rule or result.check,
        message=finding.message,
        path=finding.path,
        line=line,
        end_line=max(end, line) if end and line else None,
        fix=finding.fix or "",
        said=assertion(pair) if pair is not None else (),
    )


def _line(number: int | None) -> int | None:
    return number if number is not None and 1 <= number <= _FURTHEST else None
