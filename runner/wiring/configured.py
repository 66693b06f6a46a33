"""The file that tells a server and its workers what they serve."""

import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from runner.errors import UsageError
from runner.model.configuration import Configuration
from runner.policy.settings import read_settings
from runner.store.places import places
from runner.store.tokens import SCOPES, SqlTokens
from runner.targets.spec import parse

_HIGHEST_PORT = 65535


def configured(file: Path, listen: str | None = None) -> Configuration:
    """What the file says; `listen` instead of its address. Raises PolicyInvalid, and UsageError for what cannot be served."""
    found = read_settings(file, Configuration)
    if listen is not None:
        found = found.model_copy(update={"listen": listen})
    for key, path in _paths(found):
        if not Path(path).is_absolute():
            raise UsageError(f"{key} is '{path}', which depends on where the server is started", hint="Give the whole path.")
    for identity in found.identities:
        if unknown := sorted(set(identity.scopes) - set(SCOPES)):
            raise UsageError(f"identities: there is no scope '{unknown[0]}'", hint=f"Scopes are: {', '.join(SCOPES)}.")
    for target in found.targets.values():
        parse(target.target)
    _address(found.listen)
    return found


def _paths(found: Configuration) -> Iterator[tuple[str, str]]:
    """The files and folders that it names, by their keys."""
    for name, repository in found.repos.items():
        if repository.path:
            yield f"repos.{name}.path", repository.path
        if repository.credential and repository.credential.file:
            yield f"repos.{name}.credential.file", repository.credential.file
    if found.generator:
        yield "generator.command", found.generator.command[0]
    for number, identity in enumerate(found.identities):
        if identity.jwks_file:
            yield f"identities[{number}].jwks_file", identity.jwks_file


def _address(listen: str) -> None:
    """Raises UsageError where nobody could listen there, or anybody could ask without a token."""
    hint = "Give HOST:PORT or unix:PATH."
    if listen.startswith("unix:"):
        if not Path(listen.removeprefix("unix:")).is_absolute():
            raise UsageError(f"'{listen}' names no whole path", hint=hint)
        return
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise UsageError(f"'{listen}' is no address to listen on", hint=hint)
    if not _local(host.strip("[]")) and not _has_tokens():
        raise UsageError(
            f"'{listen}' can be reached from elsewhere, and there is no token yet",
            hint="seatrial token create NAME --scope read --expires 30d",
        )


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
