"""Breakers and health in the words of older clients."""

from typing import Any, Final, NamedTuple

from runner.gates.breaker.log import called
from runner.gates.health.assess import Assessed
from runner.model.keys import parts_of
from runner.model.text import printable
from runner.model.threshold import Unit
from runner.wiring.breakers import Seen
from runner.wiring.health import Checkup
from runner.wiring.health_told import state as signal_state

_STATUS: Final = {"pass": "healthy", "warn": "degraded", "hold": "degraded", "refuse": "unhealthy", "fail": "unhealthy"}
_CHECKS: Final = {"memory": "memory_available", "disk": "disk_free"}


class Whole(NamedTuple):
    """All breakers as one; `until` in seconds since 1970."""

    state: str
    open: tuple[str, ...]
    until: float | None
    """When those that are disabled for all work again; `None` where none are, or not before they are reset."""


def breaker_state(seen: Seen) -> Whole:
    """`open` where any breaker is, else `half-open`, `disabled` where those for all are, or `closed`."""
    stops = [one for one in seen.breakers if one.called in ("open", "forced open")]
    off = [one.forced.until for one in seen.breakers if one.called == "disabled" and one.forced and len(parts_of(one.key)) == 1]
    states = {one.called for one in seen.breakers}
    state = "open" if stops else "half-open" if "half-open" in states else "disabled" if off else "closed"
    ends = [end for end in off if end is not None]
    return Whole(state, tuple(printable(called(one.key)) for one in stops), max(ends) if ends and len(ends) == len(off) else None)


def health_state(found: Checkup) -> dict[str, Any]:
    """Status, reason, and a check for CPU, memory and disk, in percent; `null` for what this machine does not tell."""
    signals = {one.name: one for one in found.signals}
    checks = {"cpu": {"value": _percent(signals.get("cpu")), "state": _state(signals.get("cpu"))}}
    for name, signal in _CHECKS.items():
        checks[name] = {"available_percent": _percent(signals.get(signal)), "state": _state(signals.get(signal))}
    status = _STATUS.get(found.result.outcome.value, "unknown")
    return {"status": status, "reason": printable(found.result.reason), "checks": checks}


def _percent(signal: Assessed | None) -> float | None:
    share = signal.value.values.get(Unit.SHARE) if signal is not None and signal.value is not None else None
    return None if share is None else round(100 * share, 1)


def _state(signal: Assessed | None) -> str:
    return "unknown" if signal is None or not signal.reading.values else signal_state(signal).replace("-", "unlimited")
