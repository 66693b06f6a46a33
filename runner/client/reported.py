"""What a server says became of a run, as the report that a command ends with."""

import json
import re
from typing import Any, Final

from runner.client.answers import Shown, Summary
from runner.errors import ChangeRefused, InfrastructureError, SeatrialError, UsageError
from runner.model.result import Ending
from runner.model.run import PolicyFacts, State
from runner.model.text import cut, inert, printable
from runner.reports.exits import Exit
from runner.reports.report import ChangeReport, Report, TestsReport, from_json

_NEXT: Final = re.compile(r'seatrial (?:run (?:show|logs|wait|approve)|rollback|confirm) [0-9a-f]{1,64}(?: --reason "\.\.\.")?')
"""Commands about a run, which mean the same anywhere; what else the server would type is for its own machine."""
_CODES: Final = frozenset(int(code) for code in Exit)
_KINDS: Final[dict[int, type[SeatrialError]]] = {Exit.USAGE: UsageError, Exit.REJECTED: ChangeRefused}
"""Whose mistake it was that there is nothing to report; else the machine is at fault."""
_LONGEST: Final = 1000


def report_of(shown: Shown, flag: str, *, base: str = "") -> Report:
    """The report of a run that is over.

    `flag` is what names the server in the command to type next, `base` the commit that was sent along. Raises what the command would
    without a server for a run that ended before there was anything to report, and InfrastructureError for a report that cannot be read.
    """
    summary = shown.summary
    if shown.report is None:
        return _unread(summary, flag, base)
    try:
        report = from_json(report_text(shown, flag))
    except (ValueError, RecursionError) as problem:
        hint = f"seatrial run show {summary.run} --format json{flag}"
        raise InfrastructureError(f"the report of run {summary.run} is not one that this version can read", hint=hint) from problem
    if report.run != summary.run or report.exit_code not in (None, *_CODES):
        raise InfrastructureError(f"the report of run {summary.run} is none of such a run")
    return report


def report_text(shown: Shown, flag: str) -> str:
    """The report of a run as JSON, and the command to type next as it is typed here."""
    report: dict[str, Any] = {**(shown.report or {})}
    report["next"] = _next(report.get("next"), shown.summary.run, flag)
    return inert(json.dumps(report, indent=2)) + "\n"


def _next(told: Any, run: str, flag: str) -> str:
    known = told if isinstance(told, str) and _NEXT.fullmatch(told) else f"seatrial run show {run}"
    return known + flag


def _unread(summary: Summary, flag: str, base: str) -> Report:
    """For a run that ended before a worker had read its change."""
    if summary.state == "ended" and summary.ending == "cancelled":
        return _cancelled(summary, flag)
    reason = cut(printable(summary.reason), _LONGEST)
    if base and base in reason:
        hint = "Push it there, or name a commit that it has with --base."
        raise UsageError(f"the server's repository does not have the base of this change: {reason}", hint=hint)
    kind = _KINDS.get(summary.exit_code or 0, InfrastructureError)
    raise kind(f"run {summary.run} came to nothing: {reason or summary.state}", hint=f"seatrial run show {summary.run}{flag}")


def _cancelled(summary: Summary, flag: str) -> Report:
    change = ChangeReport(
        id="",
        patch_id="",
        base=summary.base,
        tree="",
        files=0,
        added=0,
        deleted=0,
        source="",
        kind="",
        base_label="its base",
        head_label="a change that nobody had read yet",
        paths=(),
    )
    return Report(
        run=summary.run,
        verdict=None,
        ending=Ending.CANCELLED,
        state=State.ENDED,
        reason=summary.reason,
        next=_next("", summary.run, flag),
        exit_code=int(Exit.INTERRUPTED),
        retry_after=None,
        change=change,
        policy=PolicyFacts(source="", digest=""),
        results=(),
        tests=TestsReport(),
        sandbox=None,
        level="",
        timings={},
        notes=(),
    )
