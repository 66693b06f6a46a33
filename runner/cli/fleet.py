"""`seatrial fleet`: who works, and how long requests wait."""

import json
from typing import TYPE_CHECKING, Any, Final

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, of_this_machine
from runner.model.text import cut, printable

if TYPE_CHECKING:
    from runner.store.executors import Member
    from runner.wiring.fleet import Fleet

_LONGEST: Final = 120
"""Characters of what a process serves."""


@click.command()
@form
@common
@of_this_machine
def fleet(form: str) -> int:
    """List the servers and workers of this database, what they carry, and how long requests wait for them.

    What a process carries is told with its last sign of life, every ten seconds.

    \b
    Examples:
      seatrial fleet
      seatrial fleet --format json
    """
    from runner.wiring.fleet import fleet as look

    found = look()
    if form == "json":
        emit(json.dumps(_as_json(found), indent=2) + "\n")
        return 0
    if not found.members:
        click.echo("nobody works on this database; `seatrial serve` and `seatrial worker` do", err=True)
    emit("".join(f"{printable(line)}\n" for line in _lines(found)))
    return 0


def _as_json(found: "Fleet") -> dict[str, Any]:
    return {
        "schema": "seatrial.fleet/v1",
        "members": [_member(member) for member in found.members],
        "queues": [{**queue._asdict(), "oldest": round(queue.oldest, 3)} for queue in found.queues],
        "stranded": [{"host": home.host, "runs": home.runs} for home in found.stranded],
    }


def _member(member: "Member") -> dict[str, Any]:
    serves = {name: _names(member.serves.get(name)) for name in ("targets", "repos", "labels")}
    known = {"id": member.id, "host": member.host, "role": _role(member), "alive": member.alive, "seen": round(member.ago, 3)}
    return {**known, "slots": member.slots, "runs": member.runs, **serves}


def _lines(found: "Fleet") -> list[str]:
    lines = [f"{_state(member)}  {member.id}  {_role(member)}{_work(member)}" for member in found.members]
    for queue in found.queues:
        what = f"target {queue.name}" if queue.kind == "target" else f"checks of {queue.name}"
        lines.append(f"waiting  {what}: {queue.waiting}, the oldest for {queue.oldest:.0f} s")
    lines += [f"stranded  {home.runs} runs wait for a worker on {home.host}, where their trees are" for home in found.stranded]
    return lines


def _state(member: "Member") -> str:
    return f"alive, seen {member.ago:.0f} s ago" if member.alive else f"dead, last seen {member.ago:.0f} s ago"


def _work(member: "Member") -> str:
    if not member.slots:
        return f"  {member.runs} runs"
    names = [*_names(member.serves.get("targets")), *(f"label {label}" for label in _names(member.serves.get("labels")))]
    return f"  {member.runs} runs, {member.slots} slots  {cut(', '.join(names), _LONGEST)}"


def _role(member: "Member") -> str:
    said = member.serves.get("role")
    return said if isinstance(said, str) else member.role


def _names(found: Any) -> list[str]:
    """Names out of a row, which may hold anything."""
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
