"""Connects to a host and port within a time, the look-up of the name included."""

import errno
import socket
from collections.abc import Callable
from threading import Thread
from typing import Any, Final

from runner.errors import machine_at_fault
from runner.probes.reading import Reading, failed, no_data

_HERE: Final = (errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.EAFNOSUPPORT, errno.ENETDOWN)
"""What says that this side, not the other, has a problem."""


class Unresolved(Exception):
    """The name could not be looked up; that says nothing of the service."""


def connect(host: str, port: int, left: Callable[[], float]) -> socket.socket:
    """A connection; `left` tells the seconds that remain. Raises Unresolved, TimeoutError, OSError; closed by the caller."""
    addresses = _resolve(host, port, left)
    last: OSError = TimeoutError()
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        remaining = left()
        if remaining <= 0:
            raise TimeoutError
        try:
            opened = socket.socket(family, kind, protocol)
        except OSError as problem:
            last = problem
            continue
        try:
            opened.settimeout(remaining / (len(addresses) - tried))
            opened.connect(address)
        except OSError as problem:
            opened.close()
            last = problem
        else:
            return opened
    raise last


def unreachable(problem: Exception) -> Reading:
    """What it says of a service that connecting to it ended like this."""
    if isinstance(problem, Unresolved):
        return no_data(str(problem))
    if isinstance(problem, TimeoutError):
        return failed("no answer in time")
    if machine_at_fault(problem) or (isinstance(problem, OSError) and problem.errno in _HERE):
        return no_data(f"this machine cannot connect: {problem}")
    return failed(f"cannot be reached: {getattr(problem, 'strerror', None) or problem}")


def _resolve(host: str, port: int, left: Callable[[], float]) -> list[Any]:
    """The addresses of a name; the look-up has no time-out of its own, so it is left behind when it takes too long."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except OSError:
        pass
    found: list[Any] = []
    wrong: list[str] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as problem:
            wrong.append(str(problem))

    thread = Thread(target=look_up, name=f"look-up of {host}", daemon=True)
    thread.start()
    thread.join(max(0.0, left()))
    if not found:
        raise Unresolved(f"the name {host} cannot be looked up: {wrong[0] if wrong else 'no answer in time'}")
    return list(found)
