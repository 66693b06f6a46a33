"""The durable record: one transaction at a time writes it, at the schema that this version needs."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.errors import StoreUnavailable
from runner.ports import FALSE_FUTURE
from runner.store.address import address
from runner.store.checkpoints import Checkpoint, Checkpoints
from runner.store.library import ONE_AT_A_TIME, loaded
from runner.store.names import storable
from runner.store.pools import share
from runner.store.postgres import PostgresServer
from runner.store.sqlite import SqliteFile

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from runner.store.server import Server

PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""
IMPATIENCE = 5.0
"""The same where the answer does not hang on it: a check that only informs goes on without a record, and says so."""
_NEWEST: Final = ("(SELECT at FROM gate_log ORDER BY seq DESC LIMIT 1)", "(SELECT at FROM audit ORDER BY seq DESC LIMIT 1)")


class Transaction:
    """One transaction of the database: its connection, its time, and the way into the audit log."""

    def __init__(self, connection: "Connection", server: "Server") -> None:
        self.connection = connection
        self._server = server
        self.written: Checkpoint | None = None
        """The last entry of the audit log that it wrote."""

    @cached_property
    def now(self) -> float:
        """Seconds since 1970 by the database's clock, to the millisecond; never before the newest entry, unless that is hours ahead."""
        from sqlalchemy import literal_column, select

        row: Any = self.connection.execute(select(*map(literal_column, (self._server.clock, *_NEWEST)))).one()
        clock, newest = round(float(row[0]), 3), row[1:]
        return max((clock, *(at for at in newest if isinstance(at, float) and at <= clock + FALSE_FUTURE)))

    def audit(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:
        """Write an entry of the audit log, and tell it to whoever listens."""
        from runner.store import chain

        self.written = chain.append(self.connection, self.now, kind, subject, body)
        self.tell(kind, subject, body)

    def tell(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:
        """Let whoever listens know once this transaction is committed; it is no entry of the audit log."""
        from sqlalchemy import insert

        from runner.store.chain import canonical
        from runner.store.schema import events

        told = {"at": self.now, "kind": storable(kind), "run": storable(subject), "body": canonical(body)}
        self.connection.execute(insert(events).values(told))


class Database:
    """The database that SEATRIAL_DATABASE names, else the SQLite file of the folder `state`.

    It is made, and brought to the current schema, at the first write. Raises UsageError when SEATRIAL_DATABASE cannot be understood; every method raises StoreUnavailable when it cannot be used.
    """

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        named = address()
        self.server: Server = PostgresServer(named, patience) if named else SqliteFile(state, patience)
        self.checkpoints = Checkpoints(state / self.server.checkpoints)
        self._shared: tuple[Engine, Callable[[], object]] | None = None
        self._ready = False

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that holds the write lock from its start; committed at the end, or nothing of it stays."""
        with self._translated():
            with self._engine().connect() as connection, connection.begin():
                self.server.begin(connection, writing=True)
                if not self._ready:
                    self._bring_up_to_date(connection)
                transaction = Transaction(connection, self.server)
                yield transaction
            self._ready = True
        if transaction.written:
            self.checkpoints.keep(transaction.written)

    @contextmanager
    def reading(self) -> Iterator[Transaction | None]:
        """A consistent view that blocks nobody and writes nothing; `None`, and nothing is made, where nothing was ever recorded."""
        with self._translated():
            if not self._ready and self._is_behind():
                with self.writing():
                    pass
            if not self._ready:
                yield None
                return
            with self._view() as connection:
                yield Transaction(connection, self.server)

    def version(self) -> str:
        """What the database is, once it has answered; an SQLite file that is absent is not made."""
        with self._translated():
            if not self.server.present():
                return f"SQLite {sqlite3.sqlite_version}, nothing recorded yet,"
            with self._view() as connection:
                return self.server.version(connection)

    def close(self) -> None:
        """Let go of the database; a later use opens it again."""
        if self._shared is not None:
            give_back = self._shared[1]
            self._shared = None
            give_back()

    def _engine(self) -> "Engine":
        with ONE_AT_A_TIME:  # it loads what speaks to this kind of server
            self._shared = self._shared or share(self.server, self)
            return self._shared[0]

    @contextmanager
    def _view(self) -> Iterator["Connection"]:
        with self._engine().connect() as connection, connection.begin():
            self.server.begin(connection, writing=False)
            yield connection

    def _is_behind(self) -> bool:
        """Whether the schema is there and older than this version needs; remembers when it is the one."""
        from runner.store.schema import REVISIONS

        if not self.server.present():
            return False
        with self._view() as connection:
            found = self._revision(connection)
        self._ready = found == REVISIONS[-1]
        return found is not None and not self._ready

    def _revision(self, connection: "Connection") -> str | None:
        """The revision of the schema that is there, `None` for none; refuses one that this version does not know."""
        from sqlalchemy import inspect

        from runner.store.schema import REVISIONS

        if not inspect(connection).has_table("alembic_version"):
            return None
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        if row is None:
            return None
        if row[0] not in REVISIONS:
            raise StoreUnavailable(
                f"{self.server.name} was written by a newer version of Seatrial (schema {row[0]}; this version knows up to {REVISIONS[-1]})",
                hint="Upgrade Seatrial, or use another database: see XDG_STATE_HOME and SEATRIAL_DATABASE.",
            )
        return str(row[0])

    def _bring_up_to_date(self, connection: "Connection") -> None:
        """Under the lock: whoever comes second waited for it, and finds nothing left to do."""
        from runner.store.schema import REVISIONS

        if self._revision(connection) != REVISIONS[-1]:
            self.server.prepare(connection)
            _migrate(connection)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        loaded()
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as problem:
            raise self.server.unavailable(problem) from problem


def _migrate(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
