"""The tests that a change touches, with what the gate `anomaly` says of each: the gate may run beside the trial, so both meet here."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from runner.controls.ids import function_of
from runner.model.result import Finding, Result
from runner.model.suite import Made, Touched
from runner.model.text import cut

_GATE = "anomaly"
_MOST_TERMS = 5
"""Sentences beside one test."""
_LONGEST = 80
"""Characters of a test's name as the gate writes it."""
_ITS_OWN = frozenset({"the", "newly", "it", "its", "this", "collect_ignore", "collect_ignore_glob"})
"""First words of the gate's sentences about a file as a whole."""


def with_terms(touched: Iterable[Touched], results: Iterable[Result], new: Collection[str] = ()) -> tuple[Touched, ...]:
    """The tests with the gate's sentences, those that a person should see first in front.

    A sentence belongs to a test by its path and by the name that it begins with or counts cases of. One about a file as a whole,
    or about a function of it that is no test, belongs to all that are touched there, or to those that stand around the function.
    `new` are ids of tests that the base does not have.
    """
    rows = tuple(touched)
    found = [finding for result in results if result.check == _GATE for finding in result.findings]
    if not rows or not found:
        return rows
    named = {(row.path, _name(row.id)) for row in rows} | {(test.partition("::")[0], _name(test)) for test in new}
    by_path: dict[str, list[tuple[Finding, frozenset[str]]]] = {}
    for finding in found:
        names = _names(finding.message)
        tests = frozenset(name for name in names if (finding.path, name) in named)
        by_path.setdefault(finding.path, []).append((finding, tests))
    joined = [row.model_copy(update={"terms": tuple(_terms(row, by_path.get(row.path, ())))[:_MOST_TERMS]}) for row in rows]
    return tuple(sorted(joined, key=lambda row: row.rank))


def shown(touched: Sequence[Touched], most: int) -> tuple[Sequence[Touched], int]:
    """What is to be shown of the tests, `most` at most, and how many are left out: those that there is nothing to say of are."""
    rows = [row for row in touched if row.tells][:most]
    return rows, len(touched) - len(rows)


def _terms(row: Touched, found: Iterable[tuple[Finding, frozenset[str]]]) -> Iterator[str]:
    name = _name(row.id)
    for finding, tests in found:
        if name in tests or (not tests and _of_file(row, finding)):
            yield finding.message


def _of_file(row: Touched, finding: Finding) -> bool:
    """Whether a sentence that names no test is about this one all the same."""
    if finding.message.partition(" ")[0] in _ITS_OWN:
        return True
    gone = finding.rule in ("anomaly.not-collected", "anomaly.deleted-tests", "anomaly.exchanged-tests")
    return row.made is Made.FILE_EDITED and not gone


def _names(message: str) -> tuple[str, ...]:
    """What a sentence may name: its first word, and the one that follows `case of` or `cases of`."""
    words = message.split(" ")
    after = [words[at + 2] for at in range(len(words) - 2) if words[at] in ("case", "cases") and words[at + 1] == "of"]
    return (words[0], *after)


def _name(test: str) -> str:
    """A test's name as the gate writes it: `TestX::test_b` of `tests/test_a.py::TestX::test_b[1]`."""
    return cut(function_of(test), _LONGEST)
