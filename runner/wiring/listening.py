"""Where a server is asked: a port, or a socket in a folder."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.errors import UsageError

_UNIX: Final = "unix:"
_MODE: Final = 0o660
"""Who may ask through a socket in a folder: this user and group; a token is needed all the same."""
_BACKLOG: Final = 2048
"""Connections that may wait to be taken."""
_FAREWELL: Final = 10
"""Seconds for requests that go on when the server is asked to end."""


def listen(application: Any, address: str, listens: Callable[[], None] = lambda: None) -> None:
    """Serve at HOST:PORT or unix:PATH until this process is asked to end; `listens` is called once it can be asked.

    Raises UsageError where the address cannot be used.
    """
    import uvicorn

    try:
        opened = _in_folder(Path(address.removeprefix(_UNIX))) if address.startswith(_UNIX) else _at_port(address)
        _begin(opened)
    except OSError as problem:
        hint = "Stop what listens there, or give another address."
        raise UsageError(f"'{address}' cannot be listened on: {problem.strerror or problem}", hint=hint) from problem
    config = uvicorn.Config(application, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_FAREWELL)
    with opened:
        try:
            listens()
            uvicorn.Server(config).run(sockets=[opened])
        finally:
            if address.startswith(_UNIX):
                Path(address.removeprefix(_UNIX)).unlink(missing_ok=True)


def _begin(opened: socket.socket) -> None:
    """From here on whoever connects waits for an answer, and nobody is turned away."""
    try:
        opened.listen(_BACKLOG)
    except BaseException:
        opened.close()
        raise


def _in_folder(path: Path) -> socket.socket:
    """It takes the place of one that a dead server left."""
    if path.is_socket() and _is_dead(path):
        path.unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX)
    try:
        os.fchmod(opened.fileno(), _MODE)  # less than that is what bind() gives to the file
        opened.bind(str(path))
        path.chmod(_MODE)
    except BaseException:
        opened.close()
        raise
    return opened


def _is_dead(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False


def _at_port(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family, kind, _, _, where = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(where)
    except BaseException:
        opened.close()
        raise
    return opened
