"""`seatrial limits`: how full the windows of the rate limits are, and when there is room again."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, policy_here
from runner.model.text import printable

if TYPE_CHECKING:
    from runner.wiring.limits import Window


@click.command()
@policy_here
@click.option("-n", "--limit", "most", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many, the fullest first.")
@form
@common
def limits(file: Path | None, repo: Path, most: int, form: str) -> int:
    """Show how many runs each rate limit has counted in its window, and when there is room again. Empty windows are left out.

    \b
    Examples:
      seatrial limits
      seatrial limits --policy strict.yaml
      seatrial limits --format json | jq '.limits[] | select(.room_in > 0)'
    """
    from runner.store.places import places
    from runner.wiring import policies
    from runner.wiring.limits import as_json, places_of, windows

    policy = policies.policy_here(file, repo)
    rows, where = windows(places().state, policy), places_of(policy)
    if form == "json":
        answer = {"schema": "seatrial.limits/v1", "policy": {"source": policy.source, "digest": policy.digest}}
        emit(json.dumps({**answer, "limits": [as_json(row, where[row.number]) for row in rows[:most]]}, indent=2) + "\n")
        return 0
    emit("".join(f"{line}\n" for line in _as_text(rows[:most])))
    if not rows:
        said = "every window is empty" if where else "the policy limits nothing"
        click.echo(f"{said} ({printable(policy.source)}); only runs with --gates enforce are counted", err=True)
    elif len(rows) > most:
        click.echo(f"{len(rows) - most} more; see -n", err=True)
    return 0


def _as_text(rows: "Sequence[Window]") -> Iterator[str]:
    from runner.gates.rate import called
    from runner.model.units import show_duration

    table = [
        (f"{row.use.used} of {row.limit.limit}", f"per {show_duration(row.limit.per)}", _room(row.use.wait), printable(called(row.key)))
        for row in rows
    ]
    if table:
        table.insert(0, ("USED", "WINDOW", "ROOM", "COUNTED BY"))
    widths = [max((len(row[column]) for row in table), default=0) for column in range(3)]
    for row in table:
        yield "  ".join((*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]))


def _room(wait: float) -> str:
    from runner.model.units import show_duration

    return f"in {show_duration(float(-(-wait // 1)))}" if wait else "now"
