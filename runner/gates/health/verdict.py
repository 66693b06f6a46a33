"""One Result of all signals: the worst decides, the rest is told after it."""

from collections.abc import Sequence
from typing import Any

from runner.gates.health import told
from runner.gates.health.assess import Assessed, Outlook
from runner.gates.health.levels import nearness
from runner.gates.health.options import Options
from runner.gates.health.states import Level
from runner.model.result import Cause, Outcome, Result
from runner.model.text import cut, printable

CHECK = "health"
_FIRST = "this is the first sample of this machine: there is no history to compare it with"
_FINE = "every signal is within its limits"
_LONGEST = 600


def answer(assessed: Sequence[Assessed], outlooks: Sequence[Outlook], *, first: bool, options: Options) -> Result:
    """Hard refuses, unknown is unknown, soft warns or holds; a disk that fills and a machine without history are worth a warning."""
    hard = sorted((one for one in assessed if one.standing.level is Level.HARD), key=lambda one: -one.standing.wait)
    unknown = [one for one in assessed if one.standing.level is None]
    soft = [one for one in assessed if one.standing.level is Level.SOFT]
    filling = [one for one in outlooks if one.sure]
    if hard:
        return _about(Outcome.REFUSE, [*hard, *unknown, *soft], retry_after=max(1.0, *(one.standing.wait for one in hard)))
    if unknown:
        return _about(Outcome.UNKNOWN, [*unknown, *soft], cause=Cause.INFRASTRUCTURE)
    if soft:
        return _about(Outcome.HOLD if options.advanced.soft == "hold" else Outcome.WARN, soft)
    if filling:
        return _filling(filling[0], options)
    return _fine(assessed, first=first)


def _about(outcome: Outcome, signals: Sequence[Assessed], **more: Any) -> Result:
    worst = signals[0]
    reason = cut("; ".join(printable(told.reason(one)) for one in signals), _LONGEST)
    limit = str(worst.limit) if worst.standing.level else None
    return Result(check=CHECK, outcome=outcome, reason=reason, measured=told.measured(worst), limit=limit, policy=_key(worst), **more)


def _fine(assessed: Sequence[Assessed], *, first: bool) -> Result:
    """Nothing is wrong; the signal that is nearest to its limit is told."""
    outcome = Outcome.WARN if first else Outcome.PASS
    judged = [(nearness(one.value, one.limit), one) for one in assessed if one.value is not None and one.limit.parts]
    if not judged:
        return Result(check=CHECK, outcome=outcome, reason=f"{_FIRST}; {_FINE}" if first else _FINE)
    nearest = max(judged, key=lambda pair: pair[0])[1]
    measured, limit = told.measured(nearest), str(nearest.limit)
    near = f"{_FINE}, nearest to its own {told.NAMES[nearest.name]}: {measured}, the limit is {limit}"
    return Result(
        check=CHECK, outcome=outcome, reason=f"{_FIRST}; {_FINE}" if first else near, measured=measured, limit=limit, policy=_key(nearest)
    )


def _key(one: Assessed) -> str:
    """The key of the policy that decided."""
    if one.standing.level is None:
        return f"preflight.{CHECK}.{one.name}"
    return f"preflight.{CHECK}.{one.name}.{'soft' if one.limit == one.limits.soft else 'hard'}"


def _filling(one: Outlook, options: Options) -> Result:
    reached = told.ahead(one.reaches or 0.0)
    reason = f"the disk at {one.source} fills: at its pace it reaches the hard limit {options.disk_free.hard} in {reached}"
    policy = f"preflight.{CHECK}.advanced.forecast.horizon"
    return Result(
        check=CHECK, outcome=Outcome.WARN, reason=printable(reason), measured=reached, limit=str(options.disk_free.hard), policy=policy
    )
