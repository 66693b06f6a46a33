"""The database as an SQLite file: durable, and patient with other processes."""

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.errors import StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

FILE: Final = "state.db"


class SqliteFile:
    """The file `state.db` in the folder `state`, as `runner.store.server.Server` says."""

    checkpoints = "audit.checkpoints"
    shared = False
    clock = "(julianday('now') - 2440587.5) * 86400.0"  # `unixepoch('subsec')` needs a newer SQLite than Debian 12 has

    def __init__(self, state: Path, patience: float, file: str = FILE) -> None:
        self._path = state / file
        self._patience = patience
        self.key: object = self
        self.name = str(self._path)

    def present(self) -> bool:
        """Whether the file is there, and has been written to."""
        try:
            return self._path.stat().st_size > 0
        except FileNotFoundError:
            return False

    def engine(self, *, pooled: bool = False) -> "Engine":
        """Makes the file, empty, if it is absent."""
        from sqlalchemy import URL, create_engine, event
        from sqlalchemy.pool import NullPool, QueuePool

        if not self._path.exists():
            self._path.touch(mode=0o600)  # before SQLite makes it with a mode of its own; its -wal and -shm files follow this one
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            poolclass=QueuePool if pooled else NullPool,
            hide_parameters=True,
            connect_args={"timeout": self._patience, "isolation_level": None},
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _record: Any) -> None:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            _write_ahead(connection, self._patience)

        return engine

    def begin(self, connection: "Connection", *, writing: bool) -> None:
        """DEFERRED could fail in the middle of a write with no chance to wait; IMMEDIATE waits at the start."""
        if not writing:
            connection.exec_driver_sql("PRAGMA query_only=ON")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    def prepare(self, connection: "Connection") -> None:
        """A new file needs nothing."""

    def version(self, connection: "Connection") -> str:
        """The version of the library."""
        return f"SQLite {connection.exec_driver_sql('SELECT sqlite_version()').scalar_one()}"

    def unavailable(self, problem: Exception) -> StoreUnavailable:
        """What the library or the system says of the file."""
        said = str(getattr(problem, "orig", None) or problem)
        for sign, what, hint in _CAUSES:
            if sign in said:
                return StoreUnavailable(f"the record of runs {self._path} {what}", hint=hint)
        return StoreUnavailable(f"the record of runs {self._path} cannot be used: {said}", hint="`seatrial doctor` says more.")


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """SQLite itself waits for nobody while the mode of a new file is changed, which another process may do at this moment, too."""
    until = time.monotonic() + patience
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() >= until:
                raise
            time.sleep(_AGAIN)
        else:
            return


_AGAIN: Final = 0.01
_CAUSES = (
    ("locked", "is locked by another process", "Wait for the other run, then try again."),
    ("disk is full", "cannot be written: the disk is full", "Free some space, then try again."),
    ("No space left", "cannot be written: the disk is full", "Free some space, then try again."),
    ("readonly", "cannot be written", "Make the folder writable, or set XDG_STATE_HOME to another one."),
    ("Read-only", "cannot be written: the file system is read-only", "Set XDG_STATE_HOME to a folder that can be written."),
    ("Permission", "cannot be opened: permission denied", "Make the folder writable, or set XDG_STATE_HOME to another one."),
    ("unable to open", "cannot be opened", "Make the folder writable, or set XDG_STATE_HOME to another one."),
    ("malformed", "is damaged", "Move the file away to start a new record; `sqlite3 FILE .recover` may save the old one."),
    ("not a database", "is not a database", "Move the file away to start a new record."),
    ("no such table", "is damaged: a table is gone", "Move the file away to start a new record; `seatrial audit verify` may say more."),
    ("decode to UTF-8", "is damaged: it holds text that is none", "`seatrial audit verify` may say more."),
)
