"""The file that tells a server and its workers what they serve."""

import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from runner.errors import UsageError
from runner.model.choices import choices
from runner.model.configuration import Configuration
from runner.policy.nodes import Path as Way
from runner.policy.nodes import shown
from runner.policy.settings import Fault, read_settings
from runner.store.places import places
from runner.store.tokens import SCOPES, SqlTokens
from runner.targets.spec import parse

_HIGHEST_PORT: Final = 65535
_BEGINS: Final = "seatrial-server: 1"
_UNIX: Final = "unix:"
_ADDRESSES: Final = "Give HOST:PORT or unix:PATH."
_ANY: Final = "*"
"""Stands for every key of a map, or every item of a list."""
_PATHS: Final = (
    ("repos", _ANY, "path"),
    ("repos", _ANY, "credential", "file"),
    ("generator", "command", "0"),
    ("identities", _ANY, "jwks_file"),
)
"""Where the file names files and folders."""


def configured(file: Path, listen: str | None = None) -> Configuration:
    """What the file says; `listen` instead of its address.

    Raises ConfigurationInvalid with every fault of the file, and UsageError for an address that cannot be used.
    """
    found = read_settings(file, Configuration, begins=_BEGINS, further=_faults)
    if listen is not None:
        if fault := _no_address(listen):
            raise UsageError(fault, hint=_ADDRESSES)
        found = found.model_copy(update={"listen": listen})
    if not found.listen.startswith(_UNIX) and not _local(_host(found.listen)) and not _has_tokens():
        raise UsageError(
            f"'{found.listen}' can be reached from elsewhere, and there is no token yet",
            hint="seatrial token create NAME --scope read --expires 30d",
        )
    return found


def _faults(data: dict[str, Any]) -> Iterator[Fault]:
    """What no single value tells: paths that depend on where the server is started, and names that stand for nothing."""
    for steps in _PATHS:
        for way, path in _texts(data, steps):
            if path and not Path(path).is_absolute():
                yield way, f"'{shown(path)}' depends on where the server is started; give the whole path"
    for way, target in _texts(data, ("targets", _ANY, "target")):
        try:
            parse(target)
        except UsageError as problem:
            yield way, _with_hint(problem)
    yield from _unknown(data, ("targets", _ANY, "repo"), "repos")
    yield from _unknown(data, ("identities", _ANY, "targets", _ANY), "targets")
    for way, scope in _texts(data, ("identities", _ANY, "scopes", _ANY)):
        if scope not in SCOPES:
            yield way, f"there is no scope '{shown(scope)}'; scopes are: {', '.join(SCOPES)}"
    for way, listen in _texts(data, ("listen",)):
        if fault := _no_address(listen):
            yield way, f"{fault}; give HOST:PORT or unix:PATH"


def _unknown(data: dict[str, Any], steps: Sequence[str], among: str) -> Iterator[Fault]:
    """Names that are not among the keys of a map."""
    given = data.get(among)
    known = sorted(map(str, given)) if isinstance(given, dict) else []
    for way, name in _texts(data, steps):
        if name not in known:
            yield way, f"'{shown(name)}' is not among `{among}`; {choices(name, known)}"


def _texts(data: Any, steps: Sequence[str], way: Way = ()) -> Iterator[tuple[Way, str]]:
    """The texts that lie at a place in data of any form, each with its way; a step may stand for every key or item."""
    if not steps:
        if isinstance(data, str):
            yield way, data
        return
    step, *rest = steps
    items: list[tuple[str | int, Any]] = []
    if isinstance(data, dict):
        items = [(key, value) for key, value in data.items() if step in (_ANY, key)]
    elif isinstance(data, list):
        items = [(number, value) for number, value in enumerate(data) if step in (_ANY, str(number))]
    for key, value in items:
        yield from _texts(value, rest, (*way, key))


def _with_hint(problem: UsageError) -> str:
    hint = problem.hint.rstrip(".")
    return f"{problem}; {hint[:1].lower()}{hint[1:]}" if hint else str(problem)


def _no_address(listen: str) -> str:
    """Why nobody could listen there; empty where somebody could."""
    if listen.startswith(_UNIX):
        return "" if Path(listen.removeprefix(_UNIX)).is_absolute() else f"'{shown(listen)}' names no whole path"
    _, colon, port = listen.rpartition(":")
    good = colon and port.isascii() and port.isdigit() and int(port[:6]) <= _HIGHEST_PORT
    return "" if good else f"'{shown(listen)}' is no address to listen on"


def _host(listen: str) -> str:
    return listen.rpartition(":")[0].strip("[]")


def _local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _has_tokens() -> bool:
    tokens = SqlTokens(places().state)
    try:
        return any(token.revoked is None and token.expires > time.time() for token in tokens.list())
    finally:
        tokens.close()
