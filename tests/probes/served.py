"""Real servers that answer as a test says, and probes as a policy makes them."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runner.probes.options import Monitor, faults, made
from runner.probes.probe import Probe

TREE = "a" * 40
OTHER = "b" * 40


def a_monitor(*probes: dict[str, Any], **keys: Any) -> Monitor:
    return Monitor.model_validate({"probes": list(probes), **keys})


def a_probe(**keys: Any) -> Probe:
    """The probe of a policy's item, which has no faults."""
    monitor = a_monitor(keys)
    assert tuple(faults(monitor)) == ()
    return made(monitor)[0]


class Server:
    """Accepts connections, reads the request's head and does what `answer` does with each; `requests` are the heads it saw."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listening.settimeout(0.05)
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.at}/health"

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._listening.close()

    def wait(self, seconds: float) -> bool:
        """Do nothing for so long; whether the test is over."""
        return self._over.wait(seconds)

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listening.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(65536)):
                head += piece
            if head:
                self.requests.append(head)
                self.answer(connection)


def says(body: bytes | str = b"{}", status: str = "200 OK", **headers: str) -> Callable[[socket.socket], None]:
    """A whole answer."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *(f"{name}: {value}" for name, value in headers.items())]
    whole = "\r\n".join([*lines, "", ""]).encode() + content
    return lambda connection: connection.sendall(whole)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    """Makes servers that are closed afterwards."""
    opened: list[Server] = []

    def serve(answer: Callable[[socket.socket], None]) -> Server:
        opened.append(Server(answer))
        return opened[-1]

    yield serve
    for server in opened:
        server.close()


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
