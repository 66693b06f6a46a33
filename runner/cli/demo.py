"""`seatrial demo`: three example changes, judged for real."""

import json
import sys
from typing import TYPE_CHECKING

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, settings, stdout_colors

if TYPE_CHECKING:
    from runner.reports.report import Report

EXPECTED = {"good": ("accept",), "broken": ("reject",), "cheating": ("reject", "hold")}
LEARNT = {
    "good": "A change that keeps every test of the base is accepted.",
    "broken": "A change that breaks a test of the base is rejected, and the test is named.",
    "cheating": "A change that makes the tests easier instead of the code right is not accepted: the base's tests are the measure.",
}


@click.command()
@click.option("--live", is_flag=True, help="Promote to a live web service instead: a good change, and one that breaks it.")
@form
@common
def demo(live: bool, form: str) -> int:  # noqa: FBT001 - click's way
    """Judge three changes of a small example project in real sandboxes. Exits 0 when each gets the verdict it deserves.

    \b
    Examples:
      seatrial demo
      seatrial demo --live
      seatrial demo --format json
    """
    if live:
        from runner.cli.demo_live import demo_live

        return demo_live(form)
    from runner.reports.progress import shown
    from runner.wiring import demo as demonstrations

    asked = settings()
    with shown(sys.stderr, quiet=asked.quiet, verbose=asked.verbose, color=asked.colors(sys.stderr)) as progress:
        runs = demonstrations.judge(progress)
    from runner.reports.report import build

    reports = {name: build(run) for name, run in runs}
    if form == "json":
        emit(_json(reports))
    else:
        emit("\n".join(_text(name, report) for name, report in reports.items()) + "\n" + _end(reports))
    return 0 if set(reports) == set(EXPECTED) and all(_as_expected(name, report) for name, report in reports.items()) else 1


def _as_expected(name: str, report: "Report") -> bool:
    return report.verdict in EXPECTED.get(name, ())


def _json(reports: dict[str, "Report"]) -> str:
    changes = {name: {"as_expected": _as_expected(name, r), "report": r.model_dump(mode="json")} for name, r in reports.items()}
    return json.dumps({"schema": "seatrial.demo/v1", "changes": changes}, indent=2) + "\n"


def _text(name: str, report: "Report") -> str:
    from runner.reports.text import render

    fit = "as expected" if _as_expected(name, report) else f"NOT as expected ({' or '.join(EXPECTED.get(name, ()))})"
    return f"=== {name}: {fit} ===\n{render(report, color=stdout_colors())}"


def _end(reports: dict[str, "Report"]) -> str:
    lines = [f"  {name:<9} {report.verdict or report.ending or 'no verdict':<7} {LEARNT.get(name, '')}" for name, report in reports.items()]
    return "\n".join(("What was learnt:", *lines, "", "next  seatrial check YOUR.diff --repo YOUR-REPOSITORY")) + "\n"
