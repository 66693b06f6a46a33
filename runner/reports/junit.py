"""JUnit XML: every check as a test case, and beside them the tests of the base that differ."""

from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from runner.model.result import Finding, Outcome, Result, Verdict
from runner.model.text import cut, printable
from runner.reports.headline import exit_sentence, word
from runner.reports.report import PairReport, Report

CHECKS, BASE = "seatrial", "seatrial base tests"
_LONGEST: Final = 20_000
_FINDINGS: Final = 200
_FOREVER: Final = 10**9
_COMPARED: Final = ("broken", "missing", "skipped", "flaky", "still_failing", "fixed")
_TITLES: Final = {"broken": "broke", "missing": "gave no result any more", "skipped": "newly skipped"}


def render(report: Report) -> str:
    """Two suites: the verdict and the checks; the tests of the base that broke, vanished, were skipped or changed."""
    checks = [_verdict(report), *(_check(result) for result in report.results)]
    tests = [_test(pair) for pair in report.tests.pairs if pair.list in _COMPARED]
    patched = report.tests.patched
    suites = [_suite(CHECKS, checks, sum(report.timings.values()), _properties(report))]
    if patched is not None or tests:
        suites.append(_suite(BASE, tests, patched.seconds if patched else 0.0))
    root = ET.Element("testsuites", {"name": "seatrial", **_totals(suites)})
    root.extend(suites)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="us-ascii", xml_declaration=False).decode()}\n'


def _suite(name: str, cases: Iterable[ET.Element], seconds: float, properties: ET.Element | None = None) -> ET.Element:
    cases = list(cases)
    number = {tag: sum(case.find(tag) is not None for case in cases) for tag in ("failure", "error", "skipped")}
    counted = {"tests": str(len(cases)), "failures": str(number["failure"]), "errors": str(number["error"])}
    suite = ET.Element("testsuite", {"name": name, **counted, "skipped": str(number["skipped"]), "time": _seconds(seconds)})
    if properties is not None:
        suite.append(properties)
    suite.extend(cases)
    return suite


def _totals(suites: Iterable[ET.Element]) -> dict[str, str]:
    return {key: str(sum(int(suite.get(key, "0")) for suite in suites)) for key in ("tests", "failures", "errors")}


def _properties(report: Report) -> ET.Element:
    given = {
        "run": report.run,
        "verdict": report.verdict or "",
        "ending": report.ending or "",
        "exit": exit_sentence(report),
        "change": report.change.id,
        "policy": report.policy.digest,
        "level": report.level,
        "next": report.next,
        **{f"seconds.{stage}": f"{seconds:.3f}" for stage, seconds in report.timings.items()},
    }
    properties = ET.Element("properties")
    for name, value in given.items():
        ET.SubElement(properties, "property", name=_text(name), value=_text(value))
    return properties


def _verdict(report: Report) -> ET.Element:
    """Of its own: a run can be held, or have ended, without any check that says so."""
    case = _case("verdict", "seatrial")
    if report.verdict in (Verdict.REJECT, Verdict.HOLD):
        _say(case, "failure", word(report), report.reason, "")
    elif report.verdict is None:
        _say(case, "error", word(report), report.reason, "")
    return case


def _check(result: Result) -> ET.Element:
    case = _case(result.check, "seatrial.checks")
    told = "\n".join((result.reason, *(_finding(finding) for finding in result.findings[:_FINDINGS])))
    if result.outcome in (Outcome.FAIL, Outcome.HOLD):
        _say(case, "failure", result.outcome.value, result.reason, told)
    elif result.outcome in (Outcome.UNKNOWN, Outcome.REFUSE):
        _say(case, "error", result.cause.value if result.cause else result.outcome.value, result.reason, told)
    else:
        ET.SubElement(case, "system-out").text = _text(told, lines=True)
    return case


def _test(pair: PairReport) -> ET.Element:
    case = _case(pair.id, pair.path or pair.id.partition("::")[0])
    sides = f"{pair.base or 'no result'} -> {pair.patched or 'no result'}"
    if pair.list in _TITLES:
        _say(case, "failure", pair.list, f"{_TITLES[pair.list]}: {sides}", pair.text)
    elif pair.list == "still_failing":
        _say(case, "skipped", pair.list, "fails on the base too", "")
    else:
        ET.SubElement(case, "system-out").text = _text(f"{pair.list}: {sides}")
    return case


def _case(name: str, group: str) -> ET.Element:
    return ET.Element("testcase", name=_text(name), classname=_text(group), time="0.000")


def _say(case: ET.Element, tag: str, kind: str, message: str, told: str) -> None:
    ET.SubElement(case, tag, type=_text(kind), message=_text(message)).text = _text(told, lines=True) or None


def _finding(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    fix = f" (fix: {finding.fix})" if finding.fix else ""
    return f"{place}: {finding.message} [{finding.rule}]{fix}"


def _text(text: str, *, lines: bool = False) -> str:
    """Free of all that XML cannot carry: what does not print is written as an escape."""
    return cut(printable(text, lines=lines), _LONGEST)


def _seconds(number: float) -> str:
    return f"{number:.3f}" if 0 <= number < _FOREVER else "0.000"
