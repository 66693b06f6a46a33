"""The command `seatrial` and its subcommands, each imported when it is called."""

import importlib
import signal
from typing import Any, ClassVar

import click

from runner import __version__
from runner.cli.settings import common
from runner.errors import Terminated


class Lazy(click.Group):
    """A group that knows its commands by name and one sentence, and imports only the one that is called."""

    TABLE: ClassVar[dict[str, str]] = {
        "check": "Judge a change in a disposable sandbox; change nothing.",
        "submit": "Judge a change, carry it to its target, and watch it there.",
        "run": "List, show, approve, wait for and resume runs, and see their logs.",
        "rollback": "Take a promotion back by hand.",
        "confirm": "Say that what was promoted is well.",
        "watch": "Look after submitted runs: end what killed processes leave.",
        "serve": "Take changes over HTTP, and carry them.",
        "worker": "Carry what servers of the same database were asked for.",
        "fleet": "List servers and workers, and how long requests wait.",
        "db": "Bring the database to what this version needs.",
        "token": "Make, list and revoke the tokens of a server.",
        "backup": "List, verify, restore, pin and prune what targets were.",
        "audit": "List the audit log, and find out whether it was tampered with.",
        "image": "Build, list and remove images for the sandbox.",
        "policy": "Lint policies, and show what they resolve to.",
        "cache": "Say what the cache holds, and clear it.",
        "breaker": "List the breakers; open, disable or reset one by hand.",
        "limits": "Show how full the rate limits are, and when there is room again.",
        "health": "Show this machine's signals, limits and history.",
        "doctor": "Say whether this machine can judge changes, and what is missing.",
        "init": "Write a first policy for a repository.",
        "demo": "Judge three example changes: a good, a broken and a cheating one.",
    }
    ALIASES: ClassVar[dict[str, str]] = {"runs": "run"}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names in the order of the table."""
        return list(self.TABLE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of that name, imported now."""
        name = self.ALIASES.get(cmd_name, cmd_name)
        if name not in self.TABLE:
            return None
        command: click.Command = getattr(importlib.import_module(f"runner.cli.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """As click does, but Ctrl-C is one of the requests to stop; click would print an empty line for it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as problem:
            raise Terminated(signal.SIGINT) from problem

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but naming the nearest command."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            near = get_close_matches(args[0], [*self.TABLE, *self.ALIASES], 1)
            ctx.fail(f"there is no command '{args[0]}'" + (f"; did you mean '{near[0]}'?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The table, without importing what it names."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.TABLE.items()))


def _version(context: click.Context, _parameter: click.Parameter, asked: Any) -> None:
    if asked:
        click.echo(f"seatrial {__version__}")
        context.exit()


@click.command(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 accepted, 1 rejected, 2 usage or policy error, 3 held, 4 infrastructure, 5 rolled back, 6 stuck, 70 a bug, 75 refused for now, 129, 130 or 143 interrupted.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit.")
@common
def seatrial() -> None:
    """Judge code changes in disposable sandboxes before anyone signs for them.

    \b
    Examples:
      seatrial demo                                 see it work
      seatrial check fix.diff                       judge a diff against HEAD of this repository
      git diff | seatrial check - --format json     judge what git says, for a program
      seatrial check my-branch --base main          judge a branch
      seatrial submit fix.diff --target git:.#main  promote it when it is accepted, and watch it
      seatrial run show latest                      read the last report again
    """
