"""Reads a JUnit XML report as hostile data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from runner.model.suite import TestOutcome, TestRecord
from runner.trial import records
from runner.trial.records import Told

if TYPE_CHECKING:
    from junitparser import TestCase

LARGEST = 16 * 2**20
"""Bytes of a report."""
DEEPEST = 50
MOST_ELEMENTS = 1_000_000


class _Refused(Exception):
    """The XML is not one that a test tool writes."""


def read(content: bytes | None, *, work: str = "/work") -> Told:
    """The tests of a JUnit report; `work` is the working copy's path as files in the report may name it."""
    if content is None:
        return Told(problem="the command left no JUnit report")
    if not content.strip():
        return Told(problem="the JUnit report is empty")
    if len(content) > LARGEST:
        return Told(problem=f"the JUnit report is larger than {LARGEST // 2**20} MiB")
    try:
        _check(content)
        return _tests(content, work)
    except _Refused as problem:
        return Told(problem=f"the JUnit report is refused: {problem}")
    except (ValueError, LookupError, expat.ExpatError) as problem:
        return Told(problem=f"the JUnit report cannot be read: {problem}")


def _check(content: bytes) -> None:
    """Refuse what only an attack contains, before any tree is built: document types, entities, great depth."""
    depth = elements = 0

    def refuse(*_: Any) -> None:
        raise _Refused("it declares a document type or an entity")

    def opened(*_: Any) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEEPEST or elements > MOST_ELEMENTS:
            raise _Refused("it is nested too deeply" if depth > DEEPEST else "it has too many elements")

    def closed(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.Parse(content, True)


def _tests(content: bytes, work: str) -> Told:
    from junitparser import Attr, JUnitXml, JUnitXmlError, TestCase

    class Case(TestCase):  # type: ignore[misc,unused-ignore]
        file = Attr()
        status = Attr()

    try:
        report = JUnitXml.fromstring(content)
    except JUnitXmlError:
        return Told(problem="the JUnit report has neither testsuites nor testsuite at its top")
    found: list[TestRecord] = []
    problems: list[str] = []
    for suite in report:
        _suite(suite, Case, work, found, problems)
    if len(found) > records.MOST_TESTS:
        return Told(problem=f"the JUnit report has more than {records.MOST_TESTS} tests")
    problems += _totals(report, found, found)
    if not found:
        return Told(problem="the JUnit report holds no test")
    names = records.numbered(record.id for record in found)
    tests = tuple(record.model_copy(update={"id": name}) for record, name in zip(found, names, strict=True))
    return Told(tests, problems[0] if problems else "")


def _suite(suite: Any, kind: "type[TestCase]", work: str, found: list[TestRecord], problems: list[str]) -> None:
    own = [_record(case, work) for case in suite.iterchildren(kind)]
    before = len(found)
    found += own
    for inner in suite.testsuites():
        _suite(inner, kind, work, found, problems)
    problems += _totals(suite, own, found[before:])


def _record(case: Any, work: str) -> TestRecord:
    name, group = records.word(case.name) or "unnamed", records.word(case.classname)
    file = (case.file or "").removeprefix(work.rstrip("/") + "/")
    outcome, text = _outcome(case)
    return TestRecord(
        id=f"{group}::{name}" if group else name,
        outcome=outcome,
        seconds=records.seconds(_number(case, "time")),
        text=text,
        path=records.relative(file),
    )


def _outcome(case: Any) -> tuple[TestOutcome, str]:
    from junitparser import Error, Failure, Skipped

    worst, texts = TestOutcome.SKIPPED if case.status == "notrun" else TestOutcome.PASSED, []
    for result in case.result:
        if isinstance(result, Skipped):
            outcome = TestOutcome.XFAILED if result.type == "pytest.xfail" else TestOutcome.SKIPPED
        else:
            outcome = {Failure: TestOutcome.FAILED, Error: TestOutcome.ERROR}.get(type(result), TestOutcome.ERROR)
        worst = max(worst, outcome, key=lambda one: one.rank)
        texts += [result.message or "", result.text or ""]
    return worst, records.text("\n".join(text for text in texts if text))


def _number(element: Any, name: str) -> float | None:
    try:
        value = getattr(element, name)
    except (ValueError, OverflowError):
        return None
    return value if isinstance(value, int | float) else None


def _totals(element: Any, own: list[TestRecord], whole: list[TestRecord]) -> Iterator[str]:
    """Where the totals of a suite differ from its tests; tools count nested suites in or out.

    A total above the tests listed is none of our business: pytest 9 counts subtests that it does not list, and a test that is
    not listed has no result.
    """
    bad, either = [sum(record.outcome.failed for record in part) for part in (own, whole)], (len(own), len(whole))
    said = _number(element, "tests")
    if said is not None and said < min(either):
        yield f"the JUnit report says {said:g} tests and lists {len(whole)}"
    told = [_number(element, name) for name in ("failures", "errors")]
    if any(number is not None for number in told) and sum(number or 0 for number in told) not in bad:
        yield f"the JUnit report counts {sum(number or 0 for number in told):g} failures and errors and lists {bad[1]}"
