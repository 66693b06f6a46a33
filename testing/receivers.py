"""A web server on loopback that answers as a test says, and remembers what it was sent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import NamedTuple


class Got(NamedTuple):
    """One request: its path, headers by lower-case name, and body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[Got], Reply]


class Receiver:
    """Its requests in the order in which they came."""

    def __init__(self, answer: Answer, trust: SSLContext | None = None) -> None:
        self.answer, self.got = answer, list[Got]()
        self._secure = trust is not None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                named = {name.lower(): value for name, value in self.headers.items()}
                got = Got(self.command, self.path, named, self.rfile.read(length))
                receiver.got.append(got)
                reply = receiver.answer(got)
                self.send_response(reply.status)
                for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET = _handle  # noqa: N815 - the name that the library asks for

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if trust is not None:
            self._server.socket = trust.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self._secure else ''}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def receiving(answer: Answer = lambda _: Reply(), trust: SSLContext | None = None) -> Iterator[Receiver]:
    """A server for the length of a block."""
    made = Receiver(answer, trust)
    try:
        yield made
    finally:
        made.close()
