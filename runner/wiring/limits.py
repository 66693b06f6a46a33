"""How full the windows of a policy's rate limits are, by the record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from runner.gates.rate import ADMITTED, GATE
from runner.gates.rate.options import Limit
from runner.gates.rate.window import Use, use_of
from runner.model.keys import parts_of
from runner.policy.load import Loaded
from runner.ports import Moment
from runner.store.ledger import SqlLedger


class Window(NamedTuple):
    """One counter of one limit; `number` is that of the limit in the policy."""

    number: int
    limit: Limit
    key: str
    use: Use


def windows(state: Path, policy: Loaded) -> tuple[Window, ...]:
    """Those that are not empty, the fullest first. Raises StoreUnavailable."""
    ledger = SqlLedger(state)
    try:
        with ledger.reading() as moment:
            found = tuple(_windows(moment, policy.policy.preflight.rate))
    finally:
        ledger.close()
    return tuple(sorted(found, key=lambda one: (-one.use.wait, -one.use.used / one.limit.limit, one.key)))


def places_of(policy: Loaded) -> list[str]:
    """Where the policy gives each of its limits, as `file:line`."""
    return [policy.where(f"preflight.{GATE}[{number}]") for number in range(len(policy.policy.preflight.rate))]


def as_json(window: Window, where: str) -> dict[str, Any]:
    """A window as JSON data; `room_in` in seconds."""
    parts = parts_of(window.key)
    return {
        "key": dict(zip(parts[::2], parts[1::2], strict=True)),
        "used": window.use.used,
        "limit": window.limit.limit,
        "per": window.limit.per,
        "room_in": window.use.wait,
        "policy": where,
    }


def _windows(moment: Moment, policy: tuple[Limit, ...]) -> Iterator[Window]:
    for key in moment.keys(GATE):
        for number, limit in enumerate(policy):
            if parts_of(key)[::2] == limit.parts:
                times = [entry.at for entry in moment.entries(GATE, key, since=moment.now - limit.per, kind=ADMITTED)]
                if times:
                    yield Window(number, limit, key, use_of(limit, times, moment.now))
