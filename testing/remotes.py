"""A git server of this machine's own: git's program for it behind a small web server on loopback."""

import os
import subprocess
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "s3cr3t/T0ken+%x"


def basic(password: str) -> str:
    """The header by which git gives a password."""
    return "Basic " + b64encode(f"x-access-token:{password}".encode()).decode()


class GitServer:
    """Serves the repositories in a folder. `password` is what it asks for, `seen` what it was given, `redirect` where it sends everybody."""

    def __init__(self, root: Path) -> None:
        self.root, self.password, self.redirect = root, "", ""
        self.seen: list[str] = []
        self._server = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"of": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may have gone meanwhile."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: GitServer

    def _handle(self) -> None:
        body, given = self._body(), self.headers.get("authorization", "")
        self.of.seen.append(given)
        if self.of.redirect:
            self._answer(302, b"", [("Location", self.of.redirect + self.path)])
        elif self.of.password and given != basic(self.of.password):
            self._answer(401, f"no: {given}".encode(), [("WWW-Authenticate", 'Basic realm="git"')])
        else:
            self._serve(body)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _serve(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        env |= {"GIT_PROJECT_ROOT": str(self.of.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query}
        env |= {"REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("content-type", "")}
        env |= {"HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""), "CONTENT_LENGTH": str(len(body))}
        env |= {"GIT_PROTOCOL": self.headers.get("git-protocol", ""), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        named = [(name, value) for name, _, value in (line.partition(": ") for line in head.decode().splitlines())]
        status = next((int(value.split()[0]) for name, value in named if name == "Status"), 200)
        self._answer(status, content, [(name, value) for name, value in named if name != "Status"])

    def _answer(self, status: int, content: bytes, headers: list[Any]) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(content)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _handle  # noqa: N815 - the names that the library asks for

    def log_message(self, *_: object) -> None:
        """Nothing."""
