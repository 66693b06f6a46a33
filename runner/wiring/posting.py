"""Posts to an address that somebody else chose: to no place that it must not reach, by no proxy, following nothing, within a time."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from runner.errors import UsageError
from runner.model.networks import allowed, is_open, plain

MOST_URL: Final = 500
_MOST_HEAD: Final = 64 * 2**10
_MOST_HEADS: Final = 5
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_URL: Final = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(/[!-~]*)?(\?[!-~]*)?")
_LAST_PORT: Final = 65535
_FIRST_FINAL: Final = 200


class NotSent(Exception):
    """Why there was no answer."""


def checked(url: str, networks: tuple[str, ...]) -> str:
    """The URL, when it can be posted to as far as can be told without asking anybody. Raises UsageError."""
    hint = "Give one like https://hooks.example/seatrial."
    if len(url) > MOST_URL or not _URL.fullmatch(url) or "#" in url:
        raise UsageError("this is no URL that can be posted to", hint=hint)
    try:
        host, _ = _place(url)
    except ValueError as problem:
        raise UsageError("this URL names no host and port as it must", hint=hint) from problem
    try:
        address = str(plain(host))
    except ValueError:  # a name: what it stands for is looked at whenever it is connected to
        address = ""
    if address and not (is_open(address) or allowed(address, networks)):
        raise UsageError(f"{address} is not on the open internet", hint="The operator of the server can allow its network: webhooks.allow.")
    if url.startswith("http:") and not (networks and (not address or allowed(address, networks))):
        raise UsageError("anybody on the way could read what goes by http", hint=hint)
    return url


def post(url: str, headers: Mapping[str, str], body: bytes, *, networks: tuple[str, ...], seconds: float) -> int:
    """Post a body; the status of the answer, of which nothing else is read. Raises NotSent.

    `networks` may be connected to beside the open internet. What is judged is the address at the other end of the connection.
    """
    until = time.monotonic() + seconds

    def left() -> float:
        remaining = until - time.monotonic()
        if remaining <= 0:
            raise NotSent(f"there was no answer within {seconds:g} seconds")
        return remaining

    secure, parts = url.startswith("https:"), urlsplit(url)
    try:
        host, port = _place(url)
        with ExitStack() as opened:
            wire = opened.enter_context(_connected(host, port, networks, left, secure=secure))
            if secure:
                wire.settimeout(left())
                wire = opened.enter_context(ssl.create_default_context().wrap_socket(wire, server_hostname=host))
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            usual = {"Host": parts.netloc, "User-Agent": "seatrial", "Content-Length": str(len(body)), "Connection": "close"}
            lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**usual, **headers}.items())]
            _send(wire, "\r\n".join([*lines, "", ""]).encode("ascii") + body, left)
            return _status(wire, left)
    except (OSError, ValueError) as problem:  # errors of ssl are of these, too
        raise NotSent(_said(problem, seconds)) from problem


def _place(url: str) -> tuple[str, int]:
    """Host and port. Raises ValueError."""
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else 443 if parts.scheme == "https" else 80
    if not parts.hostname or "@" in parts.netloc or not 0 < port <= _LAST_PORT:
        raise ValueError("no host")
    return parts.hostname, port


def _connected(host: str, port: int, networks: tuple[str, ...], left: Callable[[], float], *, secure: bool) -> socket.socket:
    """A connection to the first address of a host that may be connected to and answers. Raises NotSent, OSError."""
    last: Exception = NotSent(f"{host} has no address")
    for family, kind, protocol, _, address in _looked_up(host, port, left):
        if not _may(str(address[0]), networks, secure=secure):
            last = NotSent(f"{address[0]}, which {host} stands for, may not be connected to")
            continue
        remaining = left()
        wire = socket.socket(family, kind, protocol)
        try:
            wire.settimeout(remaining)
            wire.connect(address)
            if _may(str(wire.getpeername()[0]), networks, secure=secure):
                return wire
            last = NotSent(f"{host} may not be connected to")
        except OSError as problem:
            last = problem
        wire.close()
    raise last


def _may(address: str, networks: tuple[str, ...], *, secure: bool) -> bool:
    return allowed(address, networks) or (secure and is_open(address))


def _looked_up(host: str, port: int, left: Callable[[], float]) -> list[Any]:
    """The addresses of a host; a look-up has no time-out of its own, so it is left behind when it takes too long."""
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            return

    thread = Thread(target=look_up, name="look-up", daemon=True)
    thread.start()
    thread.join(left())
    if not found:
        raise NotSent(f"the name {host} cannot be looked up")
    return list(found)


def _send(wire: socket.socket, content: bytes, left: Callable[[], float]) -> None:
    rest = memoryview(content)
    while rest:
        wire.settimeout(left())
        rest = rest[wire.send(rest) :]


def _status(wire: socket.socket, left: Callable[[], float]) -> int:
    """The status of the answer that follows those that only say that one will come."""
    seen = b""
    for _ in range(_MOST_HEADS):
        while b"\r\n\r\n" not in seen and b"\n\n" not in seen:
            if len(seen) > _MOST_HEAD:
                raise NotSent("the head of the answer is too large")
            wire.settimeout(left())
            piece = wire.recv(8192)
            if not piece:
                break
            seen += piece
        found = _STATUS.match(seen)
        if found is None:
            raise NotSent("the answer is no HTTP")
        if int(found[1]) >= _FIRST_FINAL:
            return int(found[1])
        seen = seen.partition(b"\r\n\r\n")[2]
    raise NotSent("the answer never came")


def _said(problem: Exception, seconds: float) -> str:
    if isinstance(problem, TimeoutError):
        return f"there was no answer within {seconds:g} seconds"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {problem.verify_message}"
    return f"it cannot be reached: {getattr(problem, 'strerror', None) or type(problem).__name__}"
