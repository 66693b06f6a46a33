"""What the commands about submitted runs have in common: progress, the report that follows, and whose word it is."""

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.asking import handed_out, here, name
from runner.cli.desk import Desk, desk
from runner.cli.settings import settings
from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.model.run import Run
    from runner.ports import Progress
    from runner.reports.report import Report

Command = TypeVar("Command", bound=Callable[..., Any])


def by_person(command: Command) -> Command:
    """Add --reason and --by to a command that is a person's word."""
    for option in (
        click.option("--by", "who", metavar="NAME", default="", callback=name, help="Whose word it is, here. [default: your user name]"),
        click.option("--reason", metavar="TEXT", required=True, callback=_said, help="Why, for the record."),
    ):
        command = option(command)
    return command


def _said(context: click.Context, parameter: click.Parameter, given: str) -> str:
    if not (text := name(context, parameter, given)):
        raise UsageError("--reason is empty: say why, for whoever reads the record")
    return text


def person(given: str) -> str:
    """The name given, or that of the user."""
    if given:
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as in many containers
        return "(unknown)"


def asked_of_desk(do: "Callable[[Desk, Progress], Report]", form: str) -> int:
    """Have it done with progress on stderr, here or by a server, and write the report of the run; the exit code is the run's."""
    by = desk()
    with telling() as progress:
        answer = do(by, progress)
    return handed_out(answer, form, [])


def followed(do: "Callable[[Progress], Run]", form: str) -> int:
    """Do it here with progress on stderr, and write the report of the run; the exit code is the run's."""
    from runner.reports.report import build

    with telling() as progress:
        run = do(progress)
    return handed_out(build(run, here=here()), form, [])


@contextmanager
def telling() -> "Iterator[Progress]":
    """What a person sees on stderr while a command works, as the options have it."""
    from runner.reports.progress import shown

    asked = settings()
    with shown(sys.stderr, quiet=asked.quiet, verbose=asked.verbose, color=asked.colors(sys.stderr)) as progress:
        yield progress
