"""`seatrial db`: the database itself."""

import json

import click

from runner.cli.output import emit
from runner.cli.settings import common, form


@click.group()
@common
def db() -> None:
    """Bring the database to what this version needs.

    \b
    Examples:
      seatrial db migrate
    """


@db.command()
@form
@common
def migrate(form: str) -> int:
    """Make or alter the tables of the database that SEATRIAL_DATABASE names, else of the SQLite files in the state folder.

    Every command does that by itself at its first write; this is for who wants it done before servers and workers start, or by a user who
    may alter tables where they may not. A newer database is refused.

    \b
    Examples:
      seatrial db migrate
      seatrial db migrate --format json
    """
    from runner.wiring.fleet import migrate as bring

    done = bring()
    if form == "json":
        emit(json.dumps({"schema": "seatrial.migration/v1", "database": done.name, "before": done.before or None, "now": done.now}) + "\n")
        return 0
    was = "made at" if not done.before else "left at" if done.before == done.now else f"brought from schema {done.before} to"
    emit(f"{done.name} was {was} schema {done.now}\n")
    return 0
