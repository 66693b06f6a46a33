"""`seatrial breaker`: which breakers are open and why, and deciding over their heads."""

import json
import os
import pwd
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, settings
from runner.errors import UsageError
from runner.model.text import cut, printable

if TYPE_CHECKING:
    from runner.gates.breaker.fold import State
    from runner.ports import Moment

Command = TypeVar("Command", bound=Callable[..., Any])
_NAMES = ("host", "promotion", "author")
_PARTS = {"host": "the host", "promotion": "the target", "author": "the target and the author"}
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
    with _moment() as moment:
        found, now = [_seen(moment, key) for key in moment.keys("breaker")], moment.now
    told = _told(found, now, form, _odds(file) if settings().verbose else ())
    if not found and form != "json":
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
    from difflib import get_close_matches

    from runner.gates.breaker.log import Log, called
    from runner.model.keys import key_of, parts_of

    body = {"reason": _reason(reason), "who": _who(author)}
    with _moment(writing=True) as moment:
        known = [key for key in moment.keys("breaker") if parts_of(key)[0] == name]
        wanted = [key_of(*_parts(name, keys))] if keys else known
        for key in wanted:
            if key not in known:
                near = get_close_matches(called(key), [called(one) for one in known], 1, 0.5)
                hint = f"The nearest is: {printable(near[0])}" if near else "`seatrial breaker list` shows what there is."
                raise UsageError(f"the breaker {printable(called(key))} has counted nothing", hint=hint)
            Log(moment, key).write("reset", body)
        found, now = [_seen(moment, key) for key in wanted], moment.now
    return _told(found, now, form)


def _forced(state: str, name: str, keys: tuple[str, ...], reason: str, author: str | None, time: str | None, form: str) -> int:
    from runner.gates.breaker.log import Log
    from runner.model.keys import key_of

    body = {"state": state, "reason": _reason(reason), "who": _who(author)}
    seconds = _seconds(time) if time is not None else None
    key = key_of(*_parts(name, keys))
    with _moment(writing=True) as moment:
        if keys and key not in moment.keys("breaker"):
            click.echo("nothing was counted under this key so far; `seatrial breaker list` shows those that there are", err=True)
        Log(moment, key).write("forced", {**body, "until": None if seconds is None else moment.now + seconds})
        found, now = [_seen(moment, key)], moment.now
    return _told(found, now, form)


def _parts(name: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The key of a breaker's log; without KEY what holds for all keys. Whom nobody vouched for is the author without a name."""
    if name == "author" and len(keys) == 1:
        return (name, *keys, "")
    if keys and len(keys) != (2 if name == "author" else 1):
        raise UsageError(f"the key of {name} is {_PARTS[name]}", hint="Give --key once for each.")
    return (name, *keys)


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


@contextmanager
def _moment(*, writing: bool = False) -> Iterator["Moment"]:
    from runner.store.ledger import SqlLedger
    from runner.store.places import places

    ledger = SqlLedger(places().state)
    try:
        with ledger.writing() if writing else ledger.reading() as moment:
            yield moment
    finally:
        ledger.close()


def _seen(moment: "Moment", key: str) -> "State":
    from runner.gates.breaker.fold import at_time
    from runner.gates.breaker.log import Log

    return at_time(Log(moment, key).state, moment.now)


def _odds(file: Path | None) -> Sequence[dict[str, Any]]:
    from runner.reports.breakers import odds
    from runner.wiring.policies import policy_here

    return odds(policy_here(file, Path()).policy.preflight.breaker)


def _told(found: list["State"], now: float, form: str, odds: Sequence[dict[str, Any]] = ()) -> int:
    from runner.reports.breakers import as_json, odds_told, rows, time

    if form == "json":
        answer = {"schema": "seatrial.breakers/v1", "now": time(now), "breakers": [as_json(one, now) for one in found]}
        emit(json.dumps({**answer, **({"odds": odds} if odds else {})}, indent=2) + "\n")
    else:
        emit("".join(f"{line}\n" for line in (*rows(found, now), *odds_told(odds))))
    return 0
