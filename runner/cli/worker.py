"""`seatrial worker`: carry what servers were asked for."""

import os
from pathlib import Path
from typing import Final

import click

from runner.cli.settings import common, settings

_LONGEST: Final = 4096
"""Characters of a database's URL."""


@click.command()
@click.option("--config", "file", metavar="FILE", type=click.Path(path_type=Path), required=True, help="As for `seatrial serve`.")
@click.option("--slots", type=click.IntRange(1, 256), help="Sandboxes at once. [default: `slots` of FILE]")
@click.option("--labels", metavar="A,B", default="", help="What this machine has, for repositories and targets that ask for it.")
@click.option("--database", metavar="env:NAME|file:PATH", help="Where the URL of the database is. [default: env:SEATRIAL_DATABASE]")
@click.option("--drain", metavar="TIME", default="60s", show_default=True, help="How long what goes on may take once it is to end.")
@common
def worker(file: Path, slots: int | None, labels: str, database: str | None, drain: str) -> int:
    """Carry what servers of the same database were asked for, until it is stopped.

    It takes requests for the repositories and targets of FILE, so that what only this machine reaches is carried here. Clients talk to
    `seatrial serve`; a worker listens nowhere. One with a state folder of its own is needed on each machine.

    \b
    Examples:
      seatrial worker --config /etc/seatrial/server.yaml
      seatrial worker --config worker.yaml --slots 4 --labels gpu,big
      seatrial worker --config worker.yaml --database file:/run/credentials/database

    Stopped by a signal it takes nothing new and ends once its runs have, or after --drain; the next start goes on with the rest.
    """
    from runner.cli.records import serving
    from runner.errors import UsageError
    from runner.model.units import duration
    from runner.wiring.configured import configured
    from runner.wiring.working import work

    try:
        seconds = duration(drain)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--drain") from problem
    if not isinstance(seconds, float) or seconds < 0:
        raise click.BadParameter("give a time", param_hint="--drain")
    if database:
        from runner.store.address import VARIABLE

        os.environ[VARIABLE] = _url(database)
    named = frozenset(label.strip() for label in labels.split(",") if label.strip())
    known = configured(file, "127.0.0.1:0")  # it listens nowhere
    if slots is not None:
        known = known.model_copy(update={"slots": slots})
    if unknown := sorted(named - known.labels):
        hint = f"Labels are: {', '.join(sorted(known.labels)) or 'none'}."
        raise UsageError(f"nothing in {file} asks for the label '{unknown[0]}'", hint=hint)
    work(known, serving(verbose=settings().verbose), labels=named, drain=seconds)
    return 0


def _url(where: str) -> str:
    """The URL of a database, which holds a password and so is given by where it is. Raises BadParameter; what is read is not repeated."""
    kind, _, name = where.partition(":")
    if kind == "env" and name:
        found = os.environ.get(name, "")
    elif kind == "file" and name:
        try:
            with Path(name).open(encoding="utf-8") as file:
                found = file.read(_LONGEST + 1)
        except (OSError, ValueError) as problem:
            said = getattr(problem, "strerror", "") or "it is no text"
            raise click.BadParameter(f"{name} cannot be read: {said}", param_hint="--database") from problem
    else:
        raise click.BadParameter("give env:NAME or file:PATH; a URL with a password is no argument", param_hint="--database")
    if not found.strip() or len(found) > _LONGEST:
        raise click.BadParameter(f"there is no URL of a database in {name}", param_hint="--database")
    return found.strip()
