"""`seatrial doctor`: one line per fact about this machine, and whether a check could run here."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from runner.cli.facts import MARKS, Fact, facts
from runner.cli.output import emit
from runner.cli.settings import common, form, stdout_colors
from runner.model.text import printable
from runner.reports.exits import Exit

_STYLES = {"ok": "green", "warn": "yellow", "bad": "red"}


@click.command()
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), help="The repository whose policy to look for. [default: .]")
@form
@common
def doctor(repo: Path, form: str) -> int:
    """Say whether this machine can judge changes, and sweep what killed runs left. Exits 4 when a check could not run.

    \b
    Examples:
      seatrial doctor
      seatrial doctor --format json
    """
    found = tuple(facts(repo))
    able = all(fact.status != "bad" for fact in found)
    if form == "json":
        emit(json.dumps({"schema": "seatrial.doctor/v1", "able": able, "facts": [fact._asdict() for fact in found]}, indent=2) + "\n")
    else:
        emit("\n".join(line for fact in found for line in _lines(fact, color=stdout_colors())) + "\n" + _end(able=able))
    return 0 if able else Exit.INFRASTRUCTURE


def _lines(fact: Fact, *, color: bool) -> Iterator[str]:
    mark = f"{MARKS[fact.status]:<5}"
    yield f"{click.style(mark, fg=_STYLES[fact.status]) if color else mark} {fact.name:<12} {printable(fact.value)}"
    if fact.hint and fact.status != "ok":
        yield f"{'':<18} {printable(fact.hint)}"


def _end(*, able: bool) -> str:
    return "\na check can run here; next: seatrial demo\n" if able else "\nno check can run here; the lines marked BAD say why\n"
