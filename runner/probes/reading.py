"""What a probe found at one moment: pass, fail, or no data."""

from enum import StrEnum
from typing import Any

from runner.model.text import cut, printable
from runner.model.value import Value

_LONGEST = 1024
"""Characters of a reason."""


class Sign(StrEnum):
    """What a reading says; what could not be measured says nothing, and never passes."""

    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    NO_DATA = "no_data"


class Reading(Value):
    """One answer of one probe."""

    outcome: Sign
    reason: str
    """A sentence, printable and on one line."""
    seconds: float | None = None
    """How long the answer took, where that says something of what was asked."""
    measured: float | str | None = None
    limit: float | str | None = None
    probe: str = ""
    """The name of the probe that took it."""
    at: float = 0.0
    """When it was complete: seconds since the watch began, by a clock that never jumps."""

    def stamped(self, probe: str, at: float) -> "Reading":
        """The same, with who took it and when."""
        return self.model_copy(update={"probe": probe, "at": at})


def passed(reason: str, **more: Any) -> Reading:
    """A reading that says: well. `more` are fields of Reading."""
    return _reading(Sign.PASS, reason, more)


def failed(reason: str, **more: Any) -> Reading:
    """A reading that says: known to be wrong."""
    return _reading(Sign.FAIL, reason, more)


def no_data(reason: str, **more: Any) -> Reading:
    """A reading that could not be had, and why."""
    return _reading(Sign.NO_DATA, reason, more)


def _reading(outcome: Sign, reason: str, more: dict[str, Any]) -> Reading:
    return Reading(outcome=outcome, reason=cut(printable(reason), _LONGEST), **more)
