"""SARIF 2.1.0 for code scanning: findings as results, what has no place as notifications of the run."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from runner import __version__
from runner.model.result import Outcome, Verdict
from runner.model.text import cut, inert, printable
from runner.reports.headline import count, exit_sentence, word
from runner.reports.remarks import Level, Remark, remarks
from runner.reports.report import Report
from runner.reports.rules import about

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS: Final = 5000
"""What GitHub keeps of one run; it drops the rest by severity, as we do."""
_LONGEST, _ID = 2000, 255
_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "note"}
_JUDGED_AGAINST_BASE: Final = ("tests", "inventory", "intake", "paths", "syntax", "static", "supply")


def render(report: Report) -> str:
    """The log with one run."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return inert(json.dumps(log, indent=2, ensure_ascii=True)) + "\n"


def _run(report: Report) -> dict[str, Any]:
    found = remarks(report)
    placed = [remark for remark in found if _uri(remark.path)]
    rest = [remark for remark in found if not _uri(remark.path)]
    told = placed[:MOST_RESULTS]
    rules = list(dict.fromkeys(_rule_id(remark) for remark in told))
    left_out = len(placed) - len(told)
    return {
        "tool": {"driver": {"name": "Seatrial", "version": __version__, "rules": _rules(rules, told)}},
        "automationDetails": {"id": f"seatrial/{_text(report.run)}"},
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(report, rest, left_out)],
        "results": _results(told, rules),
        "properties": {
            "verdict": report.verdict,
            "ending": report.ending,
            "state": report.state,
            "reason": _text(report.reason),
            "run": _text(report.run),
            "change": _text(report.change.id),
            "policy": _text(report.policy.digest),
            "level": _text(report.level),
            "omittedResults": left_out,
        },
    }


def _rules(ids: Sequence[str], told: Iterable[Remark]) -> list[dict[str, Any]]:
    by_id: dict[str, Remark] = {}
    for remark in told:
        by_id.setdefault(_rule_id(remark), remark)
    return [_rule(name, by_id[name]) for name in ids]


def _rule(name: str, remark: Remark) -> dict[str, Any]:
    asks, mend = about(remark.check)
    return {
        "id": name,
        "shortDescription": {"text": f"{asks}: {name}"},
        "fullDescription": {"text": f"{asks}."},
        "help": {"text": mend},
        "defaultConfiguration": {"level": _LEVELS[remark.level]},
        "properties": {"tags": [_text(remark.check, _ID)]},
    }


def _results(told: Sequence[Remark], rules: Sequence[str]) -> list[dict[str, Any]]:
    index = {name: number for number, name in enumerate(rules)}
    seen: Counter[str] = Counter()
    answers = []
    for remark in told:
        print_ = _fingerprint(remark)
        seen[print_] += 1
        answers.append(_result(remark, index[_rule_id(remark)], f"{print_}:{seen[print_]}"))
    return answers


def _result(remark: Remark, rule: int, fingerprint: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(remark.path), "uriBaseId": "SRCROOT"}}
    prints = {"seatrial/v1": fingerprint}
    if remark.line is not None:
        place["region"] = {"startLine": remark.line, "endLine": remark.end_line or remark.line}
    else:
        prints["primaryLocationLineHash"] = fingerprint  # with a line GitHub's upload computes it from the source
    message = "\n".join((remark.message, *remark.said, *((f"fix: {remark.fix}",) if remark.fix else ())))
    answer: dict[str, Any] = {
        "ruleId": _rule_id(remark),
        "ruleIndex": rule,
        "level": _LEVELS[remark.level],
        "message": {"text": _message(message)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": prints,
        "properties": {"check": _text(remark.check), "outcome": remark.outcome},
    }
    state = _baseline(remark)
    return answer | ({"baselineState": state} if state else {})


def _baseline(remark: Remark) -> str:
    """`new` where the check compares with the base, `unchanged` where it speaks of the base, empty where neither is known."""
    if remark.rule.startswith("base."):
        return "unchanged"
    return "new" if remark.check in _JUDGED_AGAINST_BASE and remark.outcome is not Outcome.WARN else ""


def _invocation(report: Report, rest: Iterable[Remark], left_out: int) -> dict[str, Any]:
    notes = [{"level": _LEVELS[r.level], "message": {"text": _message(f"{r.check}: {r.message}")}} for r in rest]
    if report.verdict is not Verdict.ACCEPT:
        notes.insert(0, {"level": "none", "message": {"text": _message(f"{word(report)}: {report.reason}")}})
    if left_out:
        notes.append({"level": "warning", "message": {"text": f"{count(left_out, 'result')} left out; the JSON report has all"}})
    answer: dict[str, Any] = {"executionSuccessful": report.verdict is not None, "toolExecutionNotifications": notes[:MOST_RESULTS]}
    if report.exit_code is not None:
        answer |= {"exitCode": report.exit_code, "exitCodeDescription": exit_sentence(report)}
    return answer


def _rule_id(remark: Remark) -> str:
    return _text(remark.rule, _ID)


def _fingerprint(remark: Remark) -> str:
    """Without lines and other numbers, so that it stays when code around it moves."""
    message = re.sub(r"\d+", "0", remark.message)
    return sha256(f"{remark.rule}\0{remark.path}\0{message}".encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _uri(path: str) -> str:
    """The path as a relative URI; empty when it does not lie in the repository."""
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts:
        return ""
    return quote(path, safe="/", errors="backslashreplace")


def _message(text: str) -> str:
    """The text with no embedded link (SARIF 2.1.0 §3.11.6); a backslash is not enough, since the text may have one before it."""
    return _text(text, lines=True).replace("](", "]\\x28")


def _text(text: str, most: int = _LONGEST, *, lines: bool = False) -> str:
    return cut(printable(text, lines=lines), most)
