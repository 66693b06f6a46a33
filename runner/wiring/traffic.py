"""A client of the demonstration's service that never stops, and counts what was promised to it."""

import http.client
import json
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

_PAUSE: Final = 0.02
_TIMEOUT: Final = 5.0


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Traffic:
    """Sends arrivals one after the other until it is left; `accepted` are those that the service said it had written down."""

    def __init__(self, port: int) -> None:
        self.accepted = 0
        self._port = port
        self._over = Event()
        self._thread = Thread(target=self._send, name="traffic", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def kept(self, file: Path) -> int:
        """The rows in the service's own database; at least those accepted before."""
        with closing(sqlite3.connect(file, timeout=_TIMEOUT)) as connection:
            return int(connection.execute("SELECT count(*) FROM arrivals").fetchone()[0])

    def _send(self) -> None:
        number = 0
        while not self._over.wait(_PAUSE):
            number += 1
            if self._arrive(f"ship {number}"):
                self.accepted += 1

    def _arrive(self, name: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        try:
            connection.request("POST", "/arrivals", json.dumps({"name": name, "length": 20 + time.monotonic_ns() % 150}))
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
