"""Reads a TAP stream (versions 12, 13 and 14) as hostile data; of nested tests only the top level counts."""

import re

from runner.model.suite import TestOutcome, TestRecord
from runner.trial import records
from runner.trial.records import Told

_TEST = re.compile(r"(not )?ok\b(?:\s+(\d{1,9})\b)?(?:\s*-(?=\s|$))?\s*(.*)")
_PLAN = re.compile(r"1\.\.(\d{1,9})\s*(?:#\s*(.*))?")
_VERSION = re.compile(r"TAP version \d+")
_DIRECTIVE = re.compile(r"(?<!\\)#\s*(skip|todo)\b\S*\s*(.*)", re.IGNORECASE)
_BAIL_OUT = re.compile(r"Bail out!\s*(.*)", re.IGNORECASE)
_MOST_DIAGNOSTICS = 200


def read(text: str, *, truncated: bool = False) -> Told:
    """The tests of a TAP stream, which may stand between other lines that a command printed.

    Ids are the descriptions, `test N` where there is none.
    """
    if truncated:
        return Told(problem="the output is longer than what is kept of it: the TAP stream is not whole")
    stream = _Stream()
    for line in text.splitlines():
        stream.take(line)
    return stream.told()


class _Stream:
    """What the lines so far have said."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str, TestOutcome, str]] = []
        self._diagnostics: list[str] = []
        self._plans: list[int] = []
        self._problem = ""

    def take(self, line: str) -> None:
        if line.startswith(("#", " ", "\t")):  # comments, diagnostics in YAML, nested tests
            if self._found and len(self._diagnostics) < _MOST_DIAGNOSTICS:
                self._diagnostics.append(line)
        elif found := _TEST.fullmatch(line):
            self._close()
            self._open(found)
        elif plan := _PLAN.fullmatch(line):
            self._plans.append(int(plan[1]))
        elif bail := _BAIL_OUT.fullmatch(line):
            self._fail(f"the TAP stream bailed out: {records.text(bail[1], 200) or 'no reason given'}")

    def told(self) -> Told:
        self._close()
        if not self._found:
            self._fail("the output holds no TAP test")
        elif len(self._found) > records.MOST_TESTS:
            return Told(problem=f"the TAP stream has more than {records.MOST_TESTS} tests")
        elif len(self._plans) != 1:
            self._fail(f"the TAP stream has {len(self._plans) or 'no'} plan{'s' if self._plans else ''}")
        elif self._plans[0] != len(self._found):
            self._fail(f"the TAP plan says {self._plans[0]} tests, {len(self._found)} were reported")
        elif sorted(number for number, *_ in self._found) != list(range(1, len(self._found) + 1)):
            self._fail("the TAP test numbers do not run from 1 to the plan")
        names = records.numbered(name for _, name, _, _ in self._found)
        tests = (TestRecord(id=name, outcome=outcome, text=text) for name, (_, _, outcome, text) in zip(names, self._found, strict=True))
        return Told(tuple(tests), self._problem)

    def _fail(self, problem: str) -> None:
        self._problem = self._problem or problem

    def _open(self, line: re.Match[str]) -> None:
        number = int(line[2]) if line[2] else len(self._found) + 1
        directive = _DIRECTIVE.search(line[3])
        description = line[3][: directive.start()] if directive else line[3]
        name = records.word(re.sub(r"\\([#\\])", r"\1", description).strip()[: records.LONGEST_ID]) or f"test {number}"
        passed = line[1] is None
        outcome = TestOutcome.PASSED if passed else TestOutcome.FAILED
        if directive and directive[1].lower() == "skip":
            outcome = TestOutcome.SKIPPED
        elif directive:
            outcome = TestOutcome.XPASSED if passed else TestOutcome.XFAILED
        self._found.append((number, name, outcome, records.text(directive[2]) if directive else ""))

    def _close(self) -> None:
        """Give the diagnostics to the test they stand after, when it failed."""
        if self._found and self._diagnostics and self._found[-1][2] is TestOutcome.FAILED:
            number, name, outcome, _ = self._found[-1]
            self._found[-1] = number, name, outcome, records.text("\n".join(self._diagnostics))
        self._diagnostics.clear()
