"""Opens the SQLite file: durable, patient with other processes, and at the schema this version needs."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

FILE = "state.db"
PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""
_READ = "seatrial_read"


class Database:
    """The file `state.db` in `state`; made and brought to the current schema at the first write."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self.path = state / FILE
        self._patience = patience
        self._engine: Engine | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self.path.exists()

    @contextmanager
    def writing(self) -> Iterator["Connection"]:
        """A transaction that holds the write lock from its start; committed at the end, or nothing of it stays."""
        with _translated(self.path), self._opened().begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator["Connection"]:
        """A consistent view that blocks nobody."""
        with _translated(self.path), self._opened().connect() as plain:
            connection = plain.execution_options(**{_READ: True})
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Let go of the file; a later use opens it again."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _opened(self) -> "Engine":
        if self._engine is None:
            engine = _engine(self.path, self._patience)
            try:
                _bring_up_to_date(engine, self.path)
            except BaseException:
                engine.dispose()
                raise
            self._engine = engine
        return self._engine


def _engine(path: Path, patience: float) -> "Engine":
    from sqlalchemy import URL, create_engine, event
    from sqlalchemy.pool import NullPool

    if not path.exists():
        path.touch(mode=0o600)  # before SQLite makes it with a mode of its own; its -wal and -shm files follow this one
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"timeout": patience, "isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: "Connection") -> None:
        # DEFERRED could fail in the middle of a write with no chance to wait; IMMEDIATE waits at the start.
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READ) else "BEGIN IMMEDIATE")

    return engine


def _bring_up_to_date(engine: "Engine", path: Path) -> None:
    from runner.store.schema import REVISIONS

    with engine.connect() as plain:
        found = _revision(plain.execution_options(**{_READ: True}))
    if found == REVISIONS[-1]:
        return
    if found is not None and found not in REVISIONS:
        raise StoreUnavailable(
            f"{path} was written by a newer version of Seatrial (schema {found}; this version knows up to {REVISIONS[-1]})",
            hint="Upgrade Seatrial, or set XDG_STATE_HOME to another folder.",
        )
    with engine.begin() as connection:  # whoever comes second waits here and then finds nothing left to do
        _migrate(connection)


def _revision(connection: "Connection") -> str | None:
    known = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'").first()
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first() if known else None
    return None if row is None else str(row[0])


def _migrate(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as problem:
        raise _unavailable(path, str(getattr(problem, "orig", None) or problem)) from problem
    except (sqlite3.Error, OSError) as problem:
        raise _unavailable(path, str(problem)) from problem


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
)


def _unavailable(path: Path, said: str) -> StoreUnavailable:
    for sign, what, hint in _CAUSES:
        if sign in said:
            return StoreUnavailable(f"the record of runs {path} {what}", hint=hint)
    return StoreUnavailable(f"the record of runs {path} cannot be used: {said}", hint="`seatrial doctor` says more.")
