"""Breakers for people and for programs: state, outcomes, why, until when, and how likely they open by chance."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from runner.gates.breaker.admission import by_hand
from runner.gates.breaker.chance import by_rate, in_a_row
from runner.gates.breaker.fold import State, live
from runner.gates.breaker.log import called
from runner.gates.breaker.options import NAMES, Options, limits
from runner.model.keys import parts_of
from runner.model.text import printable

_MOST_SHOWN = 20
_LEAST = 0.0001
_HONEST = (0.05, 0.1, 0.2, 0.3)


def as_json(state: State, now: float) -> dict[str, Any]:
    """A breaker as JSON data."""
    name, *key = parts_of(state.key)
    forced = state.forced
    return {
        "breaker": name,
        "key": key,
        "state": state.status.value,
        "why": state.why,
        "since": time(state.since) if state.since else None,
        "until": time(state.until) if state.status.value == "open" else None,
        "window": [{"at": time(outcome.at), "failed": outcome.failed} for outcome in state.window],
        "failed": state.failed,
        "generation": state.generation,
        "reopens": state.reopens,
        "probes": [{"run": permit.run, "until": time(permit.until)} for permit in live(state, now)],
        "forced": forced
        and {
            **forced.model_dump(include={"state", "reason", "who"}),
            "since": time(forced.since),
            "until": None if forced.until is None else time(forced.until),
        },
    }


def rows(found: Sequence[State], now: float) -> Iterator[str]:
    """Breakers as lines of a table; none for none."""
    table = [(state.called, printable(called(state.key)) + _all(state), _bar(state), _why(state, now)) for state in found]
    if table:
        table.insert(0, ("STATE", "BREAKER", "WINDOW", "WHY"))
    widths = [max((len(row[column]) for row in table), default=0) for column in range(3)]
    for row in table:
        yield "  ".join((*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3])).rstrip()


def _all(state: State) -> str:
    return "" if len(parts_of(state.key)) > 1 else " (all)"


def _bar(state: State) -> str:
    shown = state.window[-_MOST_SHOWN:]
    return ("…" if len(state.window) > len(shown) else "") + "".join("✗" if outcome.failed else "✓" for outcome in shown)


def _why(state: State, now: float) -> str:
    if state.forced:
        until = f"until {time(state.forced.until)}" if state.forced.until is not None else "until it is reset"
        return f"{by_hand(state)}; {until}"
    if state.status.value == "open":
        return f"{state.why}; " + (f"until {time(state.until)}" if state.until > now else "the next run probes")
    if state.status.value == "half-open":
        probes = [f"{permit.run} until {time(permit.until)}" for permit in live(state, now)]
        return f"{state.why}; probes: {printable(', '.join(probes)) or 'none, the next run is one'}"
    return ""


def odds(options: Options) -> list[dict[str, Any]]:
    """How likely each breaker opens by chance, at several shares of runs that fail by themselves."""
    return [
        {
            "breaker": name,
            "opens_at": limits(options.of(name)),
            "by_rate": {str(share): by_rate(options.of(name), share) for share in _HONEST},
            "in_a_row": {str(share): in_a_row(options.of(name), share) for share in _HONEST},
        }
        for name in NAMES
    ]


def odds_told(odds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The same as lines of a table; none for none."""
    if not odds:
        return
    yield ""
    yield "how likely a full window opens it, and so many runs in a row, if this share of runs fails by itself:"
    yield f"  {'':<46}" + "".join(f"{share:>16.0%}" for share in _HONEST)
    for row in odds:
        cells = ((row["by_rate"][str(share)], row["in_a_row"][str(share)]) for share in _HONEST)
        yield f"  {row['breaker'] + ': ' + row['opens_at']:<46}" + "".join(f"{f'{_odd(rate)} / {_odd(many)}':>16}" for rate, many in cells)


def _odd(chance: float) -> str:
    return "-" if not chance else f"{chance:.2%}" if chance >= _LEAST else f"<{_LEAST:.2%}"


def time(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
