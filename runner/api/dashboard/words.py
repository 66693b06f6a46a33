"""How values look on a page. What others wrote goes through `runner.model.text.printable` before it is escaped."""

from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup, escape

from runner.model.text import cut, printable
from runner.model.units import show_duration, show_size

_SHORT: Final = 12
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def finalized(value: Any) -> Any:
    """What every expression of a template gives: text with nothing in it that plays tricks; markup of ours stays as it is."""
    if value is None:
        return ""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def lines(text: str) -> Markup:
    """Text of several lines, for a `pre`."""
    return escape(printable(text.replace("\r\n", "\n"), lines=True))


def bounded(text: Any, most: int) -> str:
    """Text in at most so many characters."""
    return cut(printable(str(text)), most)


def brief(digest: str) -> str:
    """The beginning of a digest or of an id."""
    return digest[:_SHORT]


def moment(at: float | str | None) -> Markup:
    """A moment as `time`, in UTC: seconds since 1970, or ISO 8601."""
    if at is None or at == "":
        return Markup("")
    try:
        when = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)
        when = when.astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # an edited record may hold anything
        return escape(bounded(at, 40))
    return Markup('<time datetime="{0:%Y-%m-%dT%H:%M:%SZ}">{0:%Y-%m-%d %H:%M:%S}&nbsp;UTC</time>').format(when)


def span(seconds: float | None) -> str:
    """A duration as a person says it: `0.35 s`, `12 s`, `3 min`, `2.5 h`, `4 days`."""
    if seconds is None:
        return ""
    if seconds < _SHORT:
        return f"{seconds:.2f} s"
    for unit, word, most in ((1.0, "s", 2 * _MINUTE), (_MINUTE, "min", 2 * _HOUR), (_HOUR, "h", 2 * _DAY), (_DAY, "days", float("inf"))):
        if seconds < most:
            return f"{round(seconds / unit, 1):g} {word}"
    return ""


def number(value: float | str | None) -> str:
    """A measure or a limit, as a check gave it."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else bounded(value, 80)


FILTERS: Final = {
    "lines": lines,
    "bounded": bounded,
    "brief": brief,
    "moment": moment,
    "span": span,
    "number": number,
    "size": show_size,
    "duration": show_duration,
}
