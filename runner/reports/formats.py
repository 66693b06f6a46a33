"""The formats a report can be written in."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runner.reports.report import Report

FORMATS: Final = ("text", "json")


def written(report: "Report", style: str, *, color: bool = False, full: bool = False, numbers: bool = False) -> str:
    """The report in one of `FORMATS`, ending in a line feed."""
    if style == "json":
        from runner.reports.report import to_json

        return to_json(report)
    from runner.reports.text import render

    return render(report, color=color, full=full, numbers=numbers)
