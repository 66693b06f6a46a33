"""Annotations for GitHub Actions: workflow commands on stdout, most important first, and a last one with the verdict."""

from collections.abc import Iterator
from typing import Final

from runner.model.result import Outcome, Verdict
from runner.model.text import cut, printable
from runner.reports.headline import count, exit_sentence, subject, word
from runner.reports.remarks import Level, Remark, remarks
from runner.reports.report import Report

MOST: Final = 10
"""Annotations of one kind that GitHub shows for one step; the verdict takes one of the notices."""
_KINDS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
_LONGEST: Final = 1000


def render(report: Report) -> str:
    """One command a line; nothing that somebody else wrote can begin a line or end a value."""
    return "".join(f"{line}\n" for line in _lines(report))


def command(kind: str, message: str, **properties: str | int | None) -> str:
    """`::kind file=…,line=…::message` with everything escaped; the message may have lines, all other texts are made one line."""
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value not in (None, ""))
    return f"::{kind}{' ' if given else ''}{given}::{_data(message)}"


def _lines(report: Report) -> Iterator[str]:
    left_out = []
    found = remarks(report) or _reason(report)
    for level, kind in _KINDS.items():
        told = [remark for remark in found if remark.level is level]
        most = MOST - 1 if level is Level.NOTE else MOST
        yield from (_annotation(kind, remark) for remark in told[:most])
        if len(told) > most:
            left_out.append(count(len(told) - most, kind))
    yield _verdict(report, left_out)


def _reason(report: Report) -> tuple[Remark, ...]:
    """The decision's own reason, where no check says why this is no accept."""
    if report.verdict is Verdict.ACCEPT:
        return ()
    level = Level.WARNING if report.verdict is Verdict.HOLD else Level.ERROR
    return (Remark(level, word(report), Outcome.UNKNOWN, word(report), report.reason),)


def _annotation(kind: str, remark: Remark) -> str:
    message = "\n".join((remark.message, *remark.said, *((f"fix: {remark.fix}",) if remark.fix else ())))
    title = f"seatrial {remark.check}" + (f": {remark.rule}" if remark.rule != remark.check else "")
    return command(kind, message, file=remark.path, line=remark.line, endLine=remark.end_line, title=title)


def _verdict(report: Report, left_out: list[str]) -> str:
    lines = [report.reason, f"change {subject(report)} onto {report.change.base_label}", exit_sentence(report)]
    if left_out:
        lines.append(f"left out here: {', '.join(left_out)}; the report has all")
    lines.append(f"next: {report.next}")
    return command("notice", "\n".join(line for line in lines if line), title=f"seatrial: {word(report)}")


def _data(text: str) -> str:
    lines = (cut(printable(line), _LONGEST) for line in text.split("\n"))
    return "%0A".join(line.replace("%", "%25") for line in lines)


def _property(value: object) -> str:
    return cut(printable(str(value)), _LONGEST).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
