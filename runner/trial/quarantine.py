"""Tests that a policy sets aside for a time: how an entry names them, and which failures it excuses today."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from runner.model.suite import SuiteRun
from runner.model.value import Value
from runner.trial.compare import by_id, unstable_functions

MOST_ENTRIES = 200
MOST_DAYS = 90
"""How far ahead an entry may end: whoever wants more time has to look at the test again."""
_MOST_STARS = 8
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXAMPLE = 'e.g. "tests/test_net.py::test_retry*"'


def _pattern(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError(f"{text!a} holds a control character, or begins or ends with a space")
    if not text:
        raise ValueError(f"an empty pattern names no test; write it like {_EXAMPLE.removeprefix('e.g. ')}")
    if text.startswith("*"):
        raise ValueError(f"'{text}' begins with a star: that sets every test aside; begin with a file or folder, {_EXAMPLE}")
    if text.count("*") > _MOST_STARS:
        raise ValueError(f"'{text}' has more than {_MOST_STARS} stars")
    return text


def _day(text: str) -> str:
    try:
        if _DAY.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise ValueError(f"'{text}' is not a day; write it like 2027-01-31")


def _said(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("this needs a word or two on one line")
    return text


Said = Annotated[str, AfterValidator(_said), Field(max_length=200), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200})]


class Quarantined(Value):
    """Tests that are set aside: while the entry is in force, their failures warn."""

    test: Annotated[str, Field(max_length=400), AfterValidator(_pattern), WithJsonSchema({"type": "string", "minLength": 1})]
    """The id of a test as reports show it; `*` stands for any text, every other character for itself. It may not begin with a star."""
    owner: Said
    """Who sees to it that the test is mended."""
    until: Annotated[str, AfterValidator(_day), WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{_DAY.pattern}$"})]
    """The last day (UTC) on which it counts, no more than 90 days ahead."""
    reason: Said = "no reason given"
    """Why; shown beside the owner."""

    def names(self, test: str) -> bool:
        """Whether a test is meant; takes time in proportion to the id's length, whatever a change calls its tests."""
        first, *rest = self.test.split("*")
        if not rest:
            return test == first
        *middle, last = rest
        if not test.startswith(first) or not test.endswith(last) or len(test) < len(first) + len(last):
            return False
        at, end = len(first), len(test) - len(last)
        for part in middle:
            found = test.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    def in_force(self, today: date) -> bool:
        """Whether it counts on a day: its last one is its own."""
        return today <= date.fromisoformat(self.until)

    def __str__(self) -> str:
        """`for NAME until 2027-01-31 (REASON)`."""
        return f"for {self.owner} until {self.until} ({self.reason})"


@dataclass(frozen=True)
class Quarantine:
    """The entries of a policy on one day, over the tests of one base."""

    entries: tuple[Quarantined, ...] = ()
    today: date = date.min
    tests: Collection[str] = ()
    """Every test of the base: only these are set aside, and never all of them."""

    def excuses(self, test: str) -> Quarantined | None:
        """The entry that excuses a failure of this test."""
        if test not in self.tests:
            return None
        found = (entry for entry in self.entries if entry.in_force(self.today) and entry.names(test))
        return next((entry for entry in found if not self._is_all(entry)), None)

    def told(self, test: str) -> str:
        """What is to be said beside a failure of this test; empty where no entry names it."""
        named = [entry for entry in self.entries if entry.names(test)]
        if entry := self.excuses(test):
            return f"in quarantine {entry}"
        if wide := next((entry for entry in named if entry.in_force(self.today)), None):
            return f"the quarantine of '{wide.test}' names every test of the base, and excuses none" if self._is_all(wide) else ""
        return f"its quarantine ended on {named[0].until}; its owner is {named[0].owner}" if named else ""

    def _is_all(self, entry: Quarantined) -> bool:
        return "*" in entry.test and all(entry.names(test) for test in self.tests)


def quarantine(entries: Sequence[Quarantined], today: date, base: Sequence[SuiteRun]) -> Quarantine:
    """The entries over what the base's runs know, functions with ids that are never the same among it."""
    if not entries:
        return Quarantine()
    return Quarantine(tuple(entries), today, frozenset(by_id(base[0])) | {f"{name}[*]" for name in unstable_functions(base)})


Fault = tuple[tuple[str | int, ...], str]


def faults(entries: Sequence[Quarantined], today: date) -> Iterator[Fault]:
    """What no entry may be, by the path below `tests.quarantine`: too many, or in force for too long from `today` on."""
    if len(entries) > MOST_ENTRIES:
        yield (MOST_ENTRIES,), f"{len(entries)} entries; {MOST_ENTRIES} are read at most: mend some of these tests"
    for index, entry in enumerate(entries):
        if date.fromisoformat(entry.until) > today + timedelta(days=MOST_DAYS):
            last = today + timedelta(days=MOST_DAYS)
            yield (index, "until"), f"{entry.until} is more than {MOST_DAYS} days ahead; {last} is the last day today"


def warnings(entries: Sequence[Quarantined], today: date) -> Iterator[Fault]:
    """What is probably not meant: entries that have ended, or that stand there twice."""
    often = Counter(entry.test for entry in entries)
    for index, entry in enumerate(entries):
        if not entry.in_force(today):
            what = f"the quarantine of '{entry.test}' ended on {entry.until}; its failures count again. Its owner is {entry.owner}"
            yield (index, "until"), what
        if often[entry.test] > 1:
            yield (index, "test"), f"'{entry.test}' stands here {often[entry.test]} times"
