"""Asks a web server once: within a time for all of it, within sizes, following nothing and by no proxy."""

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

from runner.probes.addresses import address
from runner.probes.connect import connect

MOST_HEAD: Final = 64 * 2**10
"""Bytes of status line and headers."""
MOST_BODY: Final = 2**20
"""Bytes of a body that are read."""


class TooLarge(Exception):
    """More headers than anybody needs."""


class Answer(NamedTuple):
    """What came back; all of it hostile."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name; of several of one name the first."""
    body: bytes
    whole: bool
    """Whether the body ended within MOST_BODY."""
    seconds: float
    """From before the connection to the last byte that was read."""


def fetch(url: str, left: Callable[[], float], clock: Callable[[], float], trust: "ssl.SSLContext | None" = None) -> Answer:
    """GET a URL; `left` tells the seconds that remain for all of it. `trust` is for https.

    Raises Unresolved, TimeoutError, other OSErrors (of ssl, too), http.client.HTTPException for what is no HTTP, TooLarge.
    """
    parts, host, port = address(url)
    started = clock()
    with ExitStack() as open_things:
        plain = open_things.enter_context(connect(host, port, left))
        used = plain
        if parts.scheme == "https":
            plain.settimeout(_some(left))
            used = open_things.enter_context((trust or trusted()).wrap_socket(plain, server_hostname=host))
        wire = _Wire(used, left)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = wire
        headers = {"Host": parts.netloc, "User-Agent": "seatrial", "Accept": "*/*", "Connection": "close"}
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=headers)
        response = connection.getresponse()
        wire.allowance = MOST_BODY + MOST_HEAD  # what is around chunks counts, too
        body = response.read(MOST_BODY + 1)
        if len(body) <= MOST_BODY and response.length:  # a read with a limit says nothing of a connection that was cut
            raise http.client.IncompleteRead(b"", response.length)
        named: dict[str, str] = {}
        for name, value in response.getheaders():
            named.setdefault(name.lower(), value)
        response.close()
        return Answer(response.status, named, body[:MOST_BODY], len(body) <= MOST_BODY, clock() - started)


def trusted() -> ssl.SSLContext:
    """The certificates that this machine trusts; takes some milliseconds."""
    return ssl.create_default_context()


def _some(left: Callable[[], float]) -> float:
    seconds = left()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _Wire:
    """A socket as http.client wants one; every read and write has only the time that is left, every read a share of the allowance."""

    def __init__(self, wire: socket.socket, left: Callable[[], float]) -> None:
        self._wire = wire
        self._left = left
        self.allowance = MOST_HEAD

    def sendall(self, data: Any) -> None:
        self._wire.settimeout(_some(self._left))
        self._wire.sendall(data)

    def receive(self, room: memoryview) -> int:
        if self.allowance <= 0:
            raise TooLarge
        self._wire.settimeout(_some(self._left))
        count = self._wire.recv_into(room[: self.allowance])
        self.allowance -= count
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self), 8192)

    def close(self) -> None:
        """Whoever opened it closes it: http.client would before the body was read."""


class _Reader(io.RawIOBase):
    def __init__(self, wire: _Wire) -> None:
        self._source = wire

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        return self._source.receive(memoryview(room))
