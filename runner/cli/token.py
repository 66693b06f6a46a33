"""`seatrial token`: who may ask a server for what."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from runner.cli.landing import person
from runner.cli.output import emit
from runner.cli.settings import common, form, of_this_machine
from runner.model.text import printable

if TYPE_CHECKING:
    from runner.store.tokens import SqlTokens, Token


@click.group()
@common
def token() -> None:
    """Make, list and revoke the tokens of a server.

    \b
    Examples:
      seatrial token create ci --scope submit --scope read --target app-main --expires 90d
      seatrial token list
      seatrial token revoke 4f0a1b2c3d4e
    """


@token.command()
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="What it may do: read, submit, approve, operate or safety:admin; repeatable."
)
@click.option("--target", "targets", multiple=True, metavar="NAME", help="Only for this target of the server; repeatable. [default: all]")
@click.option("--expires", metavar="TIME", default="90d", show_default=True, help="How long it is good for.")
@common
@of_this_machine
def create(name: str, scopes: tuple[str, ...], targets: tuple[str, ...], expires: str) -> int:
    """Make a token and print it, this once. NAME is who asks by it: the author of what is submitted, and whose word an approval is.

    \b
    Examples:
      seatrial token create ci --scope submit --scope read
      seatrial token create alice --scope approve --scope read --expires 30d
    """
    from runner.errors import UsageError
    from runner.model.units import duration

    try:
        seconds = duration(expires)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--expires") from problem
    if not isinstance(seconds, float) or seconds <= 0:
        raise click.BadParameter("give more than 0", param_hint="--expires")
    if not name.strip() or not name.isprintable():
        raise UsageError("NAME is a name of printable characters")
    with _tokens() as tokens:
        emit(tokens.create(name.strip(), scopes, targets, seconds, by=person("")) + "\n")
    return 0


@token.command("list")
@form
@common
@of_this_machine
def list_(form: str) -> int:
    """List the tokens, newest first; their secret half is known to nobody but their holders.

    \b
    Examples:
      seatrial token list
      seatrial token list --format json
    """
    with _tokens() as tokens:
        found = tokens.list()
    if form == "json":
        emit(json.dumps({"schema": "seatrial.tokens/v1", "tokens": [_as_json(one) for one in found]}, indent=2) + "\n")
    elif not found:
        click.echo("there is no token yet; `seatrial token create` makes one", err=True)
    else:
        emit("".join(_row(one) for one in found))
    return 0


@token.command()
@click.argument("identity", metavar="ID")
@common
@of_this_machine
def revoke(identity: str) -> int:
    """Let a token be good for nothing from now on.

    \b
    Examples:
      seatrial token revoke 4f0a1b2c3d4e
    """
    with _tokens() as tokens:
        emit(_row(tokens.revoke(identity, by=person(""))))
    return 0


def _row(one: "Token") -> str:
    state = "revoked" if one.revoked is not None else f"until {_time(one.expires)}"
    where = f" for {', '.join(one.targets)}" if one.targets else ""
    return f"{one.id}  {printable(one.name)}  {', '.join(one.scopes)}{printable(where)}  {state}\n"


def _as_json(one: "Token") -> dict[str, Any]:
    times = {"created": _time(one.created), "expires": _time(one.expires), "revoked": _time(one.revoked) if one.revoked else None}
    return {"id": one.id, "name": one.name, "scopes": list(one.scopes), "targets": list(one.targets), **times}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextmanager
def _tokens() -> "Iterator[SqlTokens]":
    from runner.store.places import places
    from runner.store.tokens import SqlTokens

    tokens = SqlTokens(places().state)
    try:
        yield tokens
    finally:
        tokens.close()
