"""A checkup as JSON data, and what it shows of each signal."""

from collections.abc import Sequence
from typing import Any, Final

from runner.gates.health.assess import Assessed, Outlook
from runner.gates.health.history import Past
from runner.gates.health.levels import worst
from runner.reports.exits import Exit
from runner.wiring.health import Checkup

_STATES: Final = ("good", "soft", "hard")
_EXITS: Final = {"refuse": Exit.REFUSED, "unknown": Exit.INFRASTRUCTURE, "hold": Exit.HELD}


def exit_code(found: Checkup) -> int:
    """What `seatrial health` exits with."""
    return int(_EXITS.get(found.result.outcome.value, Exit.ACCEPTED))


def as_json(found: Checkup) -> dict[str, Any]:
    """The document of `seatrial health --format json`."""
    result = found.result
    return {
        "schema": "seatrial.health/v1",
        "host": found.facts.host,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "retry_after": result.retry_after,
        "exit_code": exit_code(found),
        "policy": {"source": found.policy.source, "digest": found.policy.digest, "where": result.policy},
        "signals": [_signal(found, one) for one in found.signals],
        "forecast": [_forecast(one) for one in found.outlooks],
        "load": found.facts.sample.load,
        "kept": not found.problem,
    }


def state(one: Assessed) -> str:
    """`good`, `soft`, `hard` or `unknown`; `-` where nothing is asked of it."""
    if not (one.limits.soft.parts or one.limits.hard.parts):
        return "-"
    return "unknown" if one.standing.level is None else _STATES[one.standing.level]


def unit(one: Assessed) -> str:
    """What its history is told in."""
    values = one.value.values if one.value is not None else {}
    return "time" if "time" in values else "share"


def number(one: Assessed) -> float:
    """The value that counts now, in that unit; 0 where nothing was read."""
    return float(one.value.values[unit(one)]) if one.value is not None else 0.0  # type: ignore[index]


def history(past: Sequence[Past], one: Assessed) -> list[tuple[float, float]]:
    """When, in seconds since 1970, and the value that counted then."""
    told = unit(one)
    readings = ((then.at, then.sample.readings.get(one.name)) for then in past)
    values = ((at, worst(reading, one.limits)) for at, reading in readings if reading is not None)
    return [(at, float(value.values[told])) for at, value in values if value is not None and told in value.values]  # type: ignore[index]


def _signal(found: Checkup, one: Assessed) -> dict[str, Any]:
    reading = one.reading
    return {
        "name": one.name,
        "state": "absent" if reading.status.value == "absent" else state(one).replace("-", "unlimited"),
        "values": [{**{str(unit): value for unit, value in found.values.items()}, "source": found.source} for found in reading.values],
        "soft": str(one.limits.soft),
        "hard": str(one.limits.hard),
        "why": reading.why,
        "history": [[round(at, 1), value] for at, value in history(found.past, one)],
    }


def _forecast(one: Outlook) -> dict[str, Any]:
    return {
        "source": one.source,
        "bytes_per_second": one.slope.median,
        "limit": one.limit,
        "reaches": one.reaches,
        "full": one.full,
        "sure": one.sure,
    }
