"""Watches one started container by the host's clock until everything in it is dead."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from http import HTTPStatus
from threading import Event, Thread
from typing import Any

from runner.errors import InfrastructureError
from runner.model.sandbox import Limits
from runner.model.suite import Stop
from runner.ports import Reader
from runner.sandbox.engine import Engine, speaking
from runner.sandbox.streams import Conversation, Log, Report

_REPORT_STREAM = 1
_FRAMING = 2**20
"""What the launcher's own records may add to the report stream."""


class Watch:
    """One container's output and its limits; `listen` before the container starts, then `until_dead`."""

    def __init__(self, engine: Engine, container: str, limits: Limits, reader: Reader, *, carries_file: bool) -> None:
        self._engine = engine
        self._container = container
        self._limits = limits
        self.log = Log()
        self.conversation = Conversation(lambda child, record: reader.record(record, child))
        self._report = Report(self.conversation.take)
        self._most_report = limits.report + (limits.report * 4 // 3 if carries_file else 0) + _FRAMING
        self.errand_seconds = 0.0
        """What may follow the suite, by its own account: its deadline is later by that much once the suite is over."""
        self._silent = Event()
        self._excess: Stop | None = None
        self._fault: Exception | None = None
        self._thread: Thread | None = None

    @property
    def garbage(self) -> int:
        """Lines of the report stream that were no records."""
        return self._report.dropped

    def listen(self) -> None:
        """Attach to the created container, so that not a byte is missed. Raises InfrastructureError."""
        with speaking("attach to the sandbox", self._engine.address):
            parameters = {"stdout": 1, "stderr": 1, "stream": 1, "logs": 0}
            socket = self._engine.api.attach_socket(self._container, params=parameters)
        self._thread = Thread(target=self._read, args=(socket,), name=f"sandbox {self._container[:12]}", daemon=True)
        self._thread.start()

    def _read(self, socket: Any) -> None:
        from docker.utils.socket import frames_iter

        try:
            for stream, chunk in frames_iter(socket, tty=False):
                self._feed(stream, chunk)
                if self._excess:
                    break
        except Exception as problem:  # noqa: BLE001 - raised again in the thread that waits
            self._fault = problem
        finally:
            self._silent.set()
            _close(socket)

    def _feed(self, stream: int, chunk: bytes) -> None:
        if stream == _REPORT_STREAM:
            self._report.feed(chunk)
            if self._report.size > self._most_report:
                self._excess = Stop.REPORT_TOO_LARGE
        else:
            self.log.feed(chunk)
            if self.log.size > self._limits.output:
                self._excess = Stop.FLOODED

    def until_dead(self, started: float, stalled: Callable[[], bool], cancelled: Event) -> tuple[Stop, int | None]:
        """Why it stopped and the engine's exit status. Raises InfrastructureError, and what the reader raised."""
        deadline = started + self._limits.wall
        stop = self._wait(deadline, stalled, cancelled)
        if stop is None and self._fault is None:
            status = self._status(max(deadline - time.monotonic(), 1.0), cancelled)
            stop = Stop.EXITED if status is not None else Stop.TIMED_OUT
        if stop is not Stop.EXITED:
            self.kill()
            status = self._status(60.0, cancelled)
        self._finish_reading()
        if cancelled.is_set():
            raise InfrastructureError("The run was cancelled.")
        return stop or Stop.EXITED, status

    def _wait(self, deadline: float, stalled: Callable[[], bool], cancelled: Event) -> Stop | None:
        while not self._silent.wait(max(min(1.0, self._left(deadline)), 0)):
            if cancelled.is_set():
                raise InfrastructureError("The run was cancelled.")
            if self._left(deadline) <= 0:
                return Stop.TIMED_OUT
            if not self.conversation.over and stalled():
                return Stop.STALLED
        return self._excess

    def _left(self, deadline: float) -> float:
        return deadline + (self.errand_seconds if self.conversation.over else 0.0) - time.monotonic()

    def _status(self, seconds: float, cancelled: Event) -> int | None:
        import requests.exceptions

        try:
            with speaking("wait for the sandbox", self._engine.address):
                try:
                    return int(self._engine.api.wait(self._container, timeout=math.ceil(seconds))["StatusCode"])
                except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError) as problem:
                    if "timed out" in str(problem):
                        return None
                    raise
        except InfrastructureError:
            if cancelled.is_set():
                raise InfrastructureError("The run was cancelled.") from None
            raise

    def _finish_reading(self) -> None:
        if self._thread is not None:
            self._thread.join(30)
        if self._fault is not None:
            raise self._fault

    def kill(self) -> None:
        """End everything in the sandbox at once; a container that is not running is fine. Raises InfrastructureError."""
        kill(self._engine, self._container)


def _close(socket: Any) -> None:
    """The docker library hands out a reader over a socket over a response, and closes none of the three."""
    for part in (getattr(socket, "_response", None), socket, getattr(socket, "_sock", None)):
        if part is not None:
            part.close()


def kill(engine: Engine, container: str) -> None:
    """Send SIGKILL to a container; one that is gone or not running is fine. Raises InfrastructureError."""
    import docker.errors

    with speaking("kill the sandbox", engine.address):
        try:
            engine.api.kill(container)
        except docker.errors.APIError as problem:
            if problem.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise
