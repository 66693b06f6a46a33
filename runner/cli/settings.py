"""The options that every command takes: how much to say, and in which colours."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from runner.reports.formats import FORMATS, known

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Settings:
    """What was asked for, before or after the command's name; the later wins."""

    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    server: str | None = None
    """Who is to do it instead of this process; `None` leaves that to the environment."""

    def colors(self, stream: Any) -> bool:
        """Whether to write colours to this stream (https://no-color.org)."""
        if self.color != "auto":
            return self.color == "always"
        return (
            stream is not None
            and bool(stream.isatty())
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM", "") not in ("", "dumb")
        )


def settings() -> Settings:
    """Those of the command that runs now."""
    return click.get_current_context().ensure_object(Settings)


def stdout_colors() -> bool:
    """Whether the answer is written in colours."""
    return settings().colors(sys.stdout)


def common(command: Command) -> Command:
    """Add -q, -v and --color to a command, and say where log records go once it works."""
    command = _logged(command)
    color = click.Choice(("auto", "always", "never"))
    for option in (
        click.option(
            "--color", type=color, default=None, expose_value=False, callback=_keep, help="Colours: auto (default), always or never."
        ),
        click.option("-v", "--verbose", is_flag=True, default=None, expose_value=False, callback=_keep, help="Say more while working."),
        click.option("-q", "--quiet", is_flag=True, default=None, expose_value=False, callback=_keep, help="Say nothing while working."),
    ):
        command = option(command)
    return command


def server(command: Command) -> Command:
    """Add --server to a command that a server can do instead."""
    said = "Ask this server: http://HOST:PORT, https://HOST or unix:PATH. [default: SEATRIAL_SERVER, else do it here]"
    return click.option("--server", metavar="URL", default=None, expose_value=False, callback=_keep, help=said)(command)


def of_this_machine(command: Command) -> Command:
    """Say on stderr of a command that a server cannot do, where one is named by the environment, that it is about this machine."""

    @wraps(command)
    def told(*given: Any, **named: Any) -> Any:
        if os.environ.get("SEATRIAL_SERVER") and not settings().quiet:
            words = click.get_current_context().command_path
            click.echo(f"{words} is about the database of this machine; SEATRIAL_SERVER is not asked", err=True)
        return command(*given, **named)

    return cast("Command", told)


def form(command: Command) -> Command:
    """Add --format text|json to a command."""
    return click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="What to write to stdout.")(command)


def policy_here(command: Command) -> Command:
    """Add --policy and --repo to a command that is about no change: whose policy it goes by (`runner.wiring.policies.policy_here`)."""
    for option in (
        click.option(
            "--repo", type=click.Path(path_type=Path), default=Path(), help="The repository whose policy to look for. [default: .]"
        ),
        click.option(
            "--policy",
            "file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Go by this file. [default: .seatrial/policy.yaml of the last commit here, else the built-in default]",
        ),
    ):
        command = option(command)
    return command


def report_form(command: Command) -> Command:
    """Add --format with all formats of a report to a command."""
    return click.option(
        "--format",
        "form",
        default="text",
        metavar="FORMAT",
        callback=lambda _context, _parameter, value: known(value),
        help=f"What to write to stdout: {', '.join(FORMATS)}. [default: text]",
    )(command)


def _logged(command: Command) -> Command:
    """The command with `runner.cli.logs` installed before its work begins: not for a help text, which needs no logging."""

    @wraps(command)
    def logged(*given: Any, **named: Any) -> Any:
        if not isinstance(click.get_current_context().command, click.Group):
            from runner.cli import logs

            logs.install(verbose=settings().verbose)
        return command(*given, **named)

    return cast("Command", logged)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None and parameter.name:
        setattr(context.ensure_object(Settings), parameter.name, value)
