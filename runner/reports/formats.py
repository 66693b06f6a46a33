"""The formats a report can be written in, each made from the same JSON report."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.reports.report import Report

FORMATS: Final = ("text", "json", "markdown", "github", "sarif", "junit")
_NEAR: Final = 0.5


def written(report: "Report", style: str, *, color: bool = False, full: bool = False, numbers: bool = False) -> str:
    """The report in one of `FORMATS`, ending in a line feed; colours, length and numbers are for text alone."""
    if style == "text":
        from runner.reports.text import render

        return render(report, color=color, full=full, numbers=numbers)
    if style == "json":
        from runner.reports.report import to_json

        return to_json(report)
    answer: str = import_module(f"runner.reports.{style}").render(report)
    return answer


def known(style: str) -> str:
    """The name itself when it is one of `FORMATS`; raises UsageError that names the nearest one."""
    if style in FORMATS:
        return style
    from difflib import get_close_matches

    near = get_close_matches(style.lower(), FORMATS, 1, _NEAR) or [name for name in FORMATS if style and name.startswith(style.lower()[:2])]
    what = f"there is no report format '{style}'" + (f"; did you mean '{near[0]}'?" if near else "")
    raise UsageError(what, hint=f"The formats are: {', '.join(FORMATS)}.")
