"""One answer of one check, and the fold of all answers to a verdict."""

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from hashlib import sha256

from runner.model.value import Value


class Outcome(StrEnum):
    """What a check may answer."""

    PASS = "pass"  # noqa: S105  no password
    WARN = "warn"
    HOLD = "hold"
    FAIL = "fail"
    UNKNOWN = "unknown"
    REFUSE = "refuse"


class Cause(StrEnum):
    """Why a check could not answer."""

    EVIDENCE = "evidence"
    INFRASTRUCTURE = "infrastructure"


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Finding(Value):
    """One place in the change, or one test, that a check speaks of."""

    path: str
    rule: str
    message: str
    line: int | None = None
    end_line: int | None = None
    severity: Severity = Severity.ERROR
    fix: str | None = None


class Result(Value):
    """One answer of one check; `reason` is a sentence a person can act on, `measured` stands beside `limit`."""

    check: str
    outcome: Outcome
    reason: str
    cause: Cause | None = None
    measured: float | str | None = None
    limit: float | str | None = None
    policy: str | None = None
    findings: tuple[Finding, ...] = ()
    retry_after: float | None = None


class Verdict(StrEnum):
    """What the change deserves."""

    ACCEPT = "accept"
    REJECT = "reject"
    HOLD = "hold"


class Ending(StrEnum):
    """How a run ended."""

    ACCEPTED = "accepted"
    """A check: nothing was promoted."""
    CONFIRMED = "confirmed"
    ROLLED_BACK = "rolled_back"
    REJECTED = "rejected"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Nobody answered while it was held."""
    STUCK = "stuck"
    """A person must act; nothing was left half done."""


class Decision(Value):
    """The fold of all results: a verdict or none, and the ending (none while a person must look, or while what was accepted is on its way)."""

    verdict: Verdict | None
    ending: Ending | None
    reason: str


def sight(result: Result, base_tree: str) -> str:
    """What a person sees who approves: the check, and a digest of all that it says; of what could not be answered also on which base."""
    seen = [result.check, result.outcome.value, result.reason, *(finding.model_dump_json() for finding in result.findings)]
    where = base_tree if result.outcome is Outcome.UNKNOWN else ""
    return f"{result.check} {sha256(json.dumps([*seen, where]).encode()).hexdigest()}"


def fold(results: Iterable[Result], required: Iterable[str], looked_at: Callable[[Result], bool] = lambda _: False) -> Decision:
    """Fold results to a decision (DESIGN §1); `required` names the enabled checks, each of which must have answered.

    What was `looked_at`, a hold or the lack of an answer that a person approved, stops nothing any more. A failure does.
    """
    results = tuple(results)
    by_outcome = {outcome: [r for r in results if r.outcome is outcome] for outcome in Outcome}
    missing = sorted(set(required) - {r.check for r in results})
    if refusals := by_outcome[Outcome.REFUSE]:
        return Decision(verdict=None, ending=Ending.REFUSED, reason=refusals[0].reason)
    if failures := by_outcome[Outcome.FAIL]:
        return Decision(verdict=Verdict.REJECT, ending=Ending.REJECTED, reason=failures[0].reason)
    holds, unknowns = ([r for r in by_outcome[o] if not looked_at(r)] for o in (Outcome.HOLD, Outcome.UNKNOWN))
    broken = [r for r in unknowns if r.cause is Cause.INFRASTRUCTURE]
    if broken and len(broken) == len(unknowns) and not holds:
        return Decision(verdict=None, ending=Ending.FAILED, reason=broken[0].reason)
    if open_questions := [*holds, *unknowns]:
        return Decision(verdict=Verdict.HOLD, ending=None, reason=open_questions[0].reason)
    if missing or not results:
        names = ", ".join(missing) or "every check"
        return Decision(verdict=Verdict.HOLD, ending=None, reason=f"no answer from: {names}")
    return Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed")
