"""`seatrial breaker`: which breakers are open and why, and deciding over their heads."""

import json
import os
import pwd
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, settings
from runner.model.text import cut

if TYPE_CHECKING:
    from runner.wiring.breakers import Seen

Command = TypeVar("Command", bound=Callable[..., Any])
_NAMES = ("host", "promotion", "author")
_MOST_REASON = 500


@click.group()
@common
def breaker() -> None:
    """List the breakers; open, disable or reset one by hand. What is done by hand needs a reason, and is in the audit log.

    \b
    Examples:
      seatrial breaker list
      seatrial breaker open promotion --reason "release freeze" --for 2h
      seatrial breaker reset author --key repo:/srv/app --key alice --reason "the agent was repaired"
    """


@breaker.command("list")
@click.option("--policy", "file", metavar="FILE", type=click.Path(path_type=Path), help="With -v: tell the odds of this policy's breakers.")
@form
@common
def list_(file: Path | None, form: str) -> int:
    """List the breakers that a run or a person ever had to do with: state, outcomes (✓ fine, ✗ failed, newest last), why, and until when.

    With -v also how likely each kind opens by chance, where failures have nothing to do with one another.

    \b
    Examples:
      seatrial breaker list
      seatrial breaker list -v --policy strict.yaml
      seatrial breaker list --format json
    """
    from runner.store.places import places
    from runner.wiring.breakers import listed

    found = listed(places().state)
    told = _told(found, form, _odds(file) if settings().verbose else ())
    if not found.breakers and form != "json":
        click.echo("no breaker has counted anything yet; only runs with --gates enforce are counted", err=True)
    return told


def _by_hand(command: Command) -> Command:
    """The options of what is done by hand."""
    for option in (
        click.option("--author", metavar="WHO", help="Who decides this. [default: the user of this process]"),
        click.option("--reason", metavar="TEXT", required=True, help="Why; for the audit log and for whoever is refused."),
        click.option(
            "--key",
            "keys",
            metavar="KEY",
            multiple=True,
            help="Only this one: a host, a target, or for author a target and an author; the target alone: whom nobody vouched for.",
        ),
        click.argument("name", metavar="NAME", type=click.Choice(_NAMES)),
    ):
        command = option(command)
    return command


_FOR = click.option("--for", "time", metavar="TIME", help="Until so much later, e.g. 2h. [default: until it is reset]")


@breaker.command("open")
@_by_hand
@_FOR
@form
@common
def open_(name: str, keys: tuple[str, ...], reason: str, author: str | None, time: str | None, form: str) -> int:
    """Refuse every run, of one key or of all, whatever was counted. NAME is host, promotion or author.

    \b
    Examples:
      seatrial breaker open promotion --reason "release freeze" --for 2h
      seatrial breaker open author --key repo:/srv/app --key alice --reason "loops since noon"
    """
    return _forced("open", name, keys, reason, author, time, form)


@breaker.command()
@_by_hand
@_FOR
@form
@common
def disable(name: str, keys: tuple[str, ...], reason: str, author: str | None, time: str | None, form: str) -> int:
    """Let every run in and count nothing, of one key or of all. NAME is host, promotion or author.

    \b
    Examples:
      seatrial breaker disable host --reason "the registry is being moved" --for 30m
    """
    return _forced("disabled", name, keys, reason, author, time, form)


@breaker.command()
@_by_hand
@form
@common
def reset(name: str, keys: tuple[str, ...], reason: str, author: str | None, form: str) -> int:
    """Close a breaker with an empty window, of one key or all there are. What it counted stays in the log.

    \b
    Examples:
      seatrial breaker reset promotion --key repo:/srv/app --reason "fixed by 1a2b3c4"
      seatrial breaker reset host --reason "new disk"
    """
    from runner.store.places import places
    from runner.wiring.breakers import reset as reset_breaker

    return _told(reset_breaker(places().state, name, keys, _reason(reason), _who(author)), form)


def _forced(
    state: Literal["open", "disabled"], name: str, keys: tuple[str, ...], reason: str, author: str | None, time: str | None, form: str
) -> int:
    from runner.store.places import places
    from runner.wiring.breakers import force

    seconds = _seconds(time) if time is not None else None
    found = force(places().state, name, keys, state, _reason(reason), _who(author), seconds)
    if not found.known:
        click.echo("nothing was counted under this key so far; `seatrial breaker list` shows those that there are", err=True)
    return _told(found, form)


def _reason(text: str) -> str:
    if not text.strip():
        raise click.BadParameter("say why", param_hint="--reason")
    return cut(text.strip(), _MOST_REASON)


def _who(author: str | None) -> str:
    if author is not None and author.strip():
        return cut(author.strip(), _MOST_REASON)
    try:
        name = pwd.getpwuid(os.getuid()).pw_name  # the environment's word for it is anybody's
    except KeyError:
        name = f"user {os.getuid()}"
    return f"{name} on {socket.gethostname()}"


def _seconds(text: str) -> float:
    from runner.model.units import duration

    try:
        found = duration(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--for") from problem
    if not isinstance(found, float) or not found > 0:
        raise click.BadParameter("give more than 0", param_hint="--for")
    return found


def _odds(file: Path | None) -> Sequence[dict[str, Any]]:
    from runner.reports.breakers import odds
    from runner.wiring.policies import policy_here

    return odds(policy_here(file, Path()).policy.preflight.breaker)


def _told(found: "Seen", form: str, odds: Sequence[dict[str, Any]] = ()) -> int:
    from runner.reports.breakers import as_json, odds_told, rows, time

    if form == "json":
        breakers = [as_json(one, found.now) for one in found.breakers]
        answer = {"schema": "seatrial.breakers/v1", "now": time(found.now), "breakers": breakers}
        emit(json.dumps({**answer, **({"odds": odds} if odds else {})}, indent=2) + "\n")
    else:
        emit("".join(f"{line}\n" for line in (*rows(found.breakers, found.now), *odds_told(odds))))
    return 0
