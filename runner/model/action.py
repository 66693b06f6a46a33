"""What a policy lets follow from a kind of finding, and the Result that all findings of a layer make together."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from runner.model.result import Cause, Finding, Outcome, Result, Severity

Action = Literal["allow", "warn", "hold", "fail"]
RANKS: tuple[Action, ...] = ("allow", "warn", "hold", "fail")
MOST_FINDINGS = 200
OUTCOMES = {"warn": Outcome.WARN, "hold": Outcome.HOLD, "fail": Outcome.FAIL}
_SEVERITIES = {"allow": Severity.INFO, "warn": Severity.INFO, "hold": Severity.WARNING, "fail": Severity.ERROR}


class Found(NamedTuple):
    """A finding and what follows from it; `unseen` when it tells of something that could not be examined."""

    action: Action
    finding: Finding
    unseen: bool = False


def found(action: Action, path: str, rule: str, message: str, *, fix: str | None = None, line: int | None = None) -> Found:
    """A finding whose severity is that of what follows from it."""
    return Found(action, Finding(path=path, rule=rule, message=message, fix=fix, line=line, severity=_SEVERITIES[action]))


def at_most(action: Action, cap: Action) -> Action:
    """The milder of the two."""
    return RANKS[min(RANKS.index(action), RANKS.index(cap))]


def answer(check: str, every: Iterable[Found], fine: str) -> Result:
    """The Result of a layer: the gravest finding decides and is told; `fine` is the reason when there is none.

    What could not be examined is `unknown`, which weighs more than a hold and less than a rejection.
    """
    counted = [one for one in every if one.action != "allow"]
    counted.sort(key=lambda one: (-RANKS.index(one.action), not one.unseen, one.finding.path, one.finding.line or 0))
    if not counted:
        return Result(check=check, outcome=Outcome.PASS, reason=fine, measured=0)
    worst = next((one for one in counted if one.unseen), counted[0]) if counted[0].action != "fail" else counted[0]
    outcome = Outcome.UNKNOWN if worst.unseen else OUTCOMES[worst.action]
    more = f", and {len(counted) - 1} more" if len(counted) > 1 else ""
    place = f"{worst.finding.path}:{worst.finding.line}" if worst.finding.line else worst.finding.path
    return Result(
        check=check,
        outcome=outcome,
        cause=Cause.EVIDENCE if outcome is Outcome.UNKNOWN else None,
        reason=f"{place}: {worst.finding.message}{more}",
        measured=len(counted),
        findings=tuple(one.finding for one in counted[:MOST_FINDINGS]),
    )
