"""Connections to a Postgres server that wait for no answer for ever, and that end with a wait that is broken off."""

import time
from typing import Any

import psycopg


def bounded(most: float) -> "type[psycopg.Connection[Any]]":
    """The class of connections on which an answer may take `most` seconds.

    A request to stop is raised within whatever waits. Who tidies up behind it asks the server for more, as the pool does that was trying
    whether a connection is alive; what keeps that from being answered must not be raised in place of the request, which nobody makes twice.
    """

    class Bounded(psycopg.Connection[Any]):
        _broken_off: BaseException | None = None

        def wait(self, gen: Any, *given: Any, **named: Any) -> Any:
            if self._broken_off:
                raise self._broken_off
            try:
                return super().wait(_timed(self, gen, most), *given, **named)
            except BaseException as problem:
                if not isinstance(problem, Exception):
                    self._broken_off = problem
                    self.pgconn.finish()
                raise

    return Bounded


def _timed(connection: "psycopg.Connection[Any]", gen: Any, most: float) -> Any:
    """The same conversation; whoever waits asks it several times a second, with nothing when there is no answer yet."""
    deadline = time.monotonic() + most
    try:
        asks = next(gen)
        while True:
            answer = yield asks
            if not answer and time.monotonic() > deadline:
                connection.pgconn.finish()
                raise psycopg.OperationalError(f"timeout expired: no answer in {most:.0f} seconds")
            asks = gen.send(answer)
    except StopIteration as done:
        return done.value
