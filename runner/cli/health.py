"""`seatrial health`: this machine's signals, their limits and their history."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, policy_here, stdout_colors
from runner.model.text import printable
from runner.reports.exits import Exit

if TYPE_CHECKING:
    from runner.gates.health.assess import Assessed, Outlook
    from runner.gates.health.history import Past
    from runner.wiring.health import Checkup

_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = 24
_STATES = ("good", "soft", "hard")
_STYLES = {"good": "green", "soft": "yellow", "hard": "red", "unknown": "red"}
_EXITS = {"refuse": Exit.REFUSED, "unknown": Exit.INFRASTRUCTURE, "hold": Exit.HELD}


@click.command()
@policy_here
@form
@common
def health(file: Path | None, repo: Path, form: str) -> int:
    """Take a sample of this machine, judge it as the gate before a change does, and show it beside its limits and its last 24 hours.

    \b
    Examples:
      seatrial health
      seatrial health --policy strict.yaml
      seatrial health --format json | jq -r '.signals[] | select(.state != "good") | .name'

    Exit codes: 0 good, or only worth a warning; 75 a change would be refused for now; 3 it would be held; 4 a signal cannot be read.
    """
    from runner.wiring.health import checkup

    found = checkup(file, repo)
    code = int(_EXITS.get(found.result.outcome.value, Exit.ACCEPTED))
    emit(json.dumps(_as_json(found, code), indent=2) + "\n" if form == "json" else "".join(f"{line}\n" for line in _as_text(found)))
    return code


def _as_text(found: "Checkup") -> Iterator[str]:
    from runner.gates.health import told

    shown = [one for one in found.signals if one.reading.status.value != "absent"]
    rows = [("STATE", "SIGNAL", "VALUE", "SOFT", "HARD", "LAST 24H", "WHOSE LIMIT")]
    rows += [
        (_state(one), told.NAMES[one.name], told.measured(one), str(one.limits.soft), str(one.limits.hard), _spark(found, one), _whose(one))
        for one in shown
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        yield _colored(
            "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), printable(row[-1]))).rstrip(), row[0]
        )
    yield ""
    yield from (f"disk at {printable(one.source)}: {_future(one)}" for one in found.outlooks)
    if not found.outlooks:
        yield "no forecast of the disk yet: it needs ten samples, two minutes apart, over half of its lookback"
    load = f"load {found.facts.sample.load:g}; " if found.facts.sample.load is not None else ""
    absent = [f"{told.NAMES[one.name]} ({printable(one.reading.why)})" for one in found.signals if one not in shown]
    yield f"{load}not shown: {', '.join(absent)}" if absent else f"{load}every signal is shown"
    if found.problem:
        yield f"the sample could not be kept: {printable(found.problem)}"
    yield from _end(found)


def _end(found: "Checkup") -> Iterator[str]:
    result = found.result
    yield f"{result.outcome.value}: {printable(result.reason)}" + (f" [{printable(result.policy)}]" if result.policy else "")
    if result.retry_after is not None:
        from runner.model.units import show_duration

        yield f"retry after {show_duration(math.ceil(result.retry_after))}"


def _state(one: "Assessed") -> str:
    if not (one.limits.soft.parts or one.limits.hard.parts):
        return "-"
    return "unknown" if one.standing.level is None else _STATES[one.standing.level]


def _whose(one: "Assessed") -> str:
    return one.value.source if one.value is not None else one.reading.why


def _colored(line: str, state: str) -> str:
    style = _STYLES.get(state)
    return click.style(line[: len(state)], fg=style) + line[len(state) :] if style and stdout_colors() else line


def _future(one: "Outlook") -> str:
    from runner.gates.health import told

    sure = "" if one.sure or one.full is None else ", which is not certain"
    return f"{told.forecast(one)}{sure}"


def _spark(found: "Checkup", one: "Assessed") -> str:
    """The last 24 hours in 24 columns, the newest at the right: the mean of each hour, from nothing to the whole, or to the hard limit."""
    from runner.wiring.health import DAY

    points = _history(found.past, one)
    now = found.facts.taken
    if one.value is not None:
        points.append((now, _number(one)))
    columns: list[list[float]] = [[] for _ in range(_COLUMNS)]
    for at, value in points:
        columns[max(0, min(_COLUMNS - 1, int(_COLUMNS - (now - at) / DAY * _COLUMNS)))].append(value)
    top = max([1.0 if _unit(one) == "share" else _top(one), *(value for _, value in points)])
    return "".join(_bar(sum(column) / len(column) / top) if column else " " for column in columns)


def _bar(share: float) -> str:
    return _BARS[max(0, min(len(_BARS) - 1, int(share * len(_BARS))))]


def _top(one: "Assessed") -> float:
    limits = [part.limit for part in (*one.limits.soft.parts, *one.limits.hard.parts)]
    return max([*limits, 0.001])


def _unit(one: "Assessed") -> str:
    values = one.value.values if one.value is not None else {}
    return "time" if "time" in values else "share"


def _number(one: "Assessed") -> float:
    return float(one.value.values[_unit(one)]) if one.value is not None else 0.0  # type: ignore[index]


def _history(past: "Sequence[Past]", one: "Assessed") -> list[tuple[float, float]]:
    """When, and the value that counted then."""
    from runner.gates.health.levels import worst

    unit = _unit(one)
    readings = ((then.at, then.sample.readings.get(one.name)) for then in past)
    values = ((at, worst(reading, one.limits)) for at, reading in readings if reading is not None)
    return [(at, float(value.values[unit])) for at, value in values if value is not None and unit in value.values]  # type: ignore[index]


def _as_json(found: "Checkup", code: int) -> dict[str, Any]:
    result = found.result
    return {
        "schema": "seatrial.health/v1",
        "host": found.facts.host,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "retry_after": result.retry_after,
        "exit_code": code,
        "policy": {"source": found.policy.source, "digest": found.policy.digest, "where": result.policy},
        "signals": [_signal(found, one) for one in found.signals],
        "forecast": [_forecast(one) for one in found.outlooks],
        "load": found.facts.sample.load,
        "kept": not found.problem,
    }


def _signal(found: "Checkup", one: "Assessed") -> dict[str, Any]:
    reading = one.reading
    return {
        "name": one.name,
        "state": "absent" if reading.status.value == "absent" else _state(one).replace("-", "unlimited"),
        "values": [{**{str(unit): value for unit, value in found.values.items()}, "source": found.source} for found in reading.values],
        "soft": str(one.limits.soft),
        "hard": str(one.limits.hard),
        "why": reading.why,
        "history": [[round(at, 1), value] for at, value in _history(found.past, one)],
    }


def _forecast(one: "Outlook") -> dict[str, Any]:
    return {
        "source": one.source,
        "bytes_per_second": one.slope.median,
        "limit": one.limit,
        "reaches": one.reaches,
        "full": one.full,
        "sure": one.sure,
    }
