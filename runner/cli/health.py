"""`seatrial health`: this machine's signals, their limits and their history."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, policy_here, stdout_colors
from runner.model.text import printable

if TYPE_CHECKING:
    from runner.gates.health.assess import Assessed, Outlook
    from runner.wiring.health import Checkup

_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = 24
_STYLES = {"good": "green", "soft": "yellow", "hard": "red", "unknown": "red"}


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
    from runner.wiring.health_told import as_json, exit_code

    found = checkup(file, repo)
    emit(json.dumps(as_json(found), indent=2) + "\n" if form == "json" else "".join(f"{line}\n" for line in _as_text(found)))
    return exit_code(found)


def _as_text(found: "Checkup") -> Iterator[str]:
    from runner.gates.health import told
    from runner.wiring.health_told import state

    shown = [one for one in found.signals if one.reading.status.value != "absent"]
    rows = [("STATE", "SIGNAL", "VALUE", "SOFT", "HARD", "LAST 24H", "WHOSE LIMIT")]
    rows += [
        (state(one), told.NAMES[one.name], told.measured(one), str(one.limits.soft), str(one.limits.hard), _spark(found, one), _whose(one))
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
    from runner.wiring.health_told import history, number, unit

    points = history(found.past, one)
    now = found.facts.taken
    if one.value is not None:
        points.append((now, number(one)))
    columns: list[list[float]] = [[] for _ in range(_COLUMNS)]
    for at, value in points:
        columns[max(0, min(_COLUMNS - 1, int(_COLUMNS - (now - at) / DAY * _COLUMNS)))].append(value)
    top = max([1.0 if unit(one) == "share" else _top(one), *(value for _, value in points)])
    return "".join(_bar(sum(column) / len(column) / top) if column else " " for column in columns)


def _bar(share: float) -> str:
    return _BARS[max(0, min(len(_BARS) - 1, int(share * len(_BARS))))]


def _top(one: "Assessed") -> float:
    limits = [part.limit for part in (*one.limits.soft.parts, *one.limits.hard.parts)]
    return max([*limits, 0.001])
