"""The live part of `seatrial demo`: changes promoted to a web service that has a client and data of its own."""

import json
import sys
from typing import TYPE_CHECKING, Final

from runner.cli.output import emit
from runner.cli.settings import settings, stdout_colors
from runner.reports.headline import word

if TYPE_CHECKING:
    from runner.reports.report import Report
    from runner.wiring.demo import Promoted

EXPECTED: Final = {"harbour-good": "confirmed", "harbour-bad": "rolled_back"}


def demo_live(form: str) -> int:
    """Promote both changes for real; 0 when the good one is confirmed, the bad one taken back, and the service's data whole."""
    from runner.reports.progress import shown
    from runner.reports.report import build
    from runner.wiring.demo import promote

    asked = settings()
    with shown(sys.stderr, quiet=asked.quiet, verbose=asked.verbose, color=asked.colors(sys.stderr)) as progress:
        done = promote(progress)
    told = [(one, build(one.run)) for one in done]
    emit(_json(told) if form == "json" else "\n".join([*(_text(one, report) for one, report in told), _end(told)]))
    return 0 if _as_expected(told) else 1


def _as_expected(told: "list[tuple[Promoted, Report]]") -> bool:
    endings = {one.name: report.ending for one, report in told}
    return endings == EXPECTED and all(one.kept >= one.accepted for one, _ in told)


def _json(told: "list[tuple[Promoted, Report]]") -> str:
    rows = {one.name: {"accepted": one.accepted, "kept": one.kept, "report": report.model_dump(mode="json")} for one, report in told}
    return json.dumps({"schema": "seatrial.demo-live/v1", "as_expected": _as_expected(told), "promotions": rows}, indent=2) + "\n"


def _text(one: "Promoted", report: "Report") -> str:
    from runner.reports.text import render

    fit = "as expected" if report.ending == EXPECTED.get(one.name) else f"NOT as expected ({EXPECTED.get(one.name)})"
    return f"=== {one.name}: {fit} ===\n{render(report, color=stdout_colors())}"


def _end(told: "list[tuple[Promoted, Report]]") -> str:
    lines = ["What was learnt:"]
    for one, report in told:
        lines.append(
            f"  {one.name:<13} {word(report):<12} {one.accepted} arrivals were accepted by then, {one.kept} are in the service's book"
        )
        made = report.promotion
        if made is not None and made.detection is not None and made.recovery is not None:
            lines.append(
                f"  {'':<13} {made.detection:.1f}s from the promotion to the decision, {made.recovery:.1f}s until the old code answered again"
            )
    return "\n".join((*lines, "", "next  seatrial submit YOUR.diff --target dir:YOUR-FOLDER --policy YOUR-POLICY.yaml")) + "\n"
