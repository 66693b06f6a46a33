"""The database of the durable engine: a file beside the record of runs, or a schema of its own in the Postgres database that has the record."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.errors import StoreUnavailable
from runner.store.address import address
from runner.store.library import ONE_AT_A_TIME, loaded
from runner.store.postgres import PostgresServer
from runner.store.sqlite import SqliteFile

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Select

    from runner.store.server import Server

FILE: Final = "engine.db"
SCHEMA: Final = "seatrial_engine"
PATIENCE: Final = 30.0
"""Seconds to wait for another process that is writing."""


class EngineDatabase:
    """The database that SEATRIAL_DATABASE names, else the file `engine.db` of the folder `state`; raises UsageError as `address` does."""

    def __init__(self, state: Path) -> None:
        named = address()
        self._server: Server = PostgresServer(named, PATIENCE) if named else SqliteFile(state, PATIENCE, FILE)
        self.url = "" if named else f"sqlite:///{state / FILE}"
        """For the library to make the tables in the file; empty for Postgres, where it makes them through `engine`."""
        self._made: Engine | None = None

    @property
    def engine(self) -> "Engine":
        """Opened at its first use, which makes the file, for this user alone. Raises StoreUnavailable."""
        if self._made is None:
            if "?" in self.url:
                raise StoreUnavailable(f"{self.url[10:]} has a '?' in its name", hint="Set XDG_STATE_HOME to another folder.")
            with self.translated(), ONE_AT_A_TIME:
                self._made = self._server.engine(pooled=True)
                if self.url:
                    _immediate(self._made)
        return self._made

    def close(self) -> None:
        """Let go of every connection."""
        if self._made is not None:
            self._made.dispose()
            self._made = None

    def move(self, steps: tuple[str, ...], queue: str, to: str) -> None:
        """Let what has not ended, lies in one queue or came from it, and came through a step called `NUMBER.STEP`, be of another queue."""
        from sqlalchemy import column, exists, or_, table, update

        schema = None if self.url else SCHEMA
        legs = table("workflow_status", column("workflow_uuid"), column("queue_name"), column("status"), schema=schema)
        done = table("operation_outputs", column("workflow_uuid"), column("function_name"), schema=schema)
        came = or_(*(done.c.function_name.like(f"%.{step}") for step in steps))
        there = exists().where(done.c.workflow_uuid == legs.c.workflow_uuid, came)
        unfinished = legs.c.status.in_(("PENDING", "ENQUEUED"))
        with self.translated(), self.engine.begin() as connection:
            connection.execute(update(legs).where(legs.c.queue_name == queue, unfinished, there).values(queue_name=to))

    def lies(self, queue: str) -> bool:
        """Whether anything lies in a queue. Raises what the driver raises."""
        with self.engine.connect() as connection:
            return connection.execute(self._look, {"queue": queue}).scalar() is not None

    @cached_property
    def _look(self) -> "Select[int]":
        from sqlalchemy import bindparam, column, literal, select, table

        legs = table("workflow_status", column("queue_name"), column("status"), schema=None if self.url else SCHEMA)
        return select(literal(1)).select_from(legs).where(legs.c.queue_name == bindparam("queue"), legs.c.status == "ENQUEUED").limit(1)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Whatever a driver or the system says of the database within the block is raised as StoreUnavailable."""
        loaded()
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as problem:
            raise self._server.unavailable(problem) from problem


def _immediate(engine: "Engine") -> None:
    """What is counted and then claimed is one transaction: by itself Python's driver begins one only at the first write."""
    from sqlalchemy import event

    @event.listens_for(engine, "begin")
    def begin(connection: "Connection") -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
