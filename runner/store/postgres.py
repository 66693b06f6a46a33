"""The database on a Postgres server: one schema of its own, one writer at a time by an advisory lock, the server's clock."""

import re
from typing import TYPE_CHECKING, Any, Final

from runner.errors import StoreUnavailable, UsageError
from runner.store.address import VARIABLE, Address

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SCHEMA: Final = "seatrial"
LOCK: Final = 0x5EA7121A1
"""The number of the advisory lock; any number does that nobody else uses in the same database."""
CONNECT_SECONDS: Final = 10
_MOST: Final = 35
"""Connections that a process opens beside the five that it keeps: a server's requests use 25 at most, its runs and their keeper the others."""
_STATEMENT_PATIENCES: Final = 2
_SLOW: Final = 10.0
"""Seconds that any statement may take, however short the patience."""
_ANSWER: Final = 5.0
"""Seconds beyond the server's own time limits after which it is taken for dead: it may have stopped, or the network may lose what it says."""
_IDLE_SECONDS: Final = 20.0
"""After which the server ends a transaction whose process no longer asks for anything: stopped, or on a machine that is gone.

Less than the patience of those who wait for it, so that one stopped process is not the end of the others' work."""


class PostgresServer:
    """The database at `address`, as `runner.store.server.Server` says. `patience`: seconds to wait for another that is writing."""

    shared = True
    clock = "extract(epoch FROM clock_timestamp())::double precision"  # now() is the start of the transaction: before the lock was had

    def __init__(self, address: Address, patience: float) -> None:
        self._address = address
        self._patience = patience
        self.key: object = (address.conninfo, patience)
        self.name = address.name
        self.checkpoints = f"audit-{address.digest}.checkpoints"

    @property
    def _most(self) -> float:
        """Seconds that a statement may take, the wait for the lock included."""
        return self._patience + max(_SLOW, _STATEMENT_PATIENCES * self._patience)

    def present(self) -> bool:
        """Only the server can say more."""
        return True

    def engine(self, *, pooled: bool = False) -> "Engine":
        """Needs psycopg; raises UsageError for a URL that libpq does not understand."""
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict
        except ImportError as problem:
            raise StoreUnavailable(
                f"the driver for {self.name} is not installed: {problem}", hint="Install it: pip install 'seatrial[postgres]'"
            ) from problem
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool, QueuePool

        from runner.store.bounded import bounded

        connect = max(2, min(CONNECT_SECONDS, round(self._patience)))  # libpq takes no less than 2
        usual = {"connect_timeout": connect, "application_name": "seatrial"}
        connections = bounded(self._most + _ANSWER)
        try:
            parameters: dict[str, Any] = {**usual, **conninfo_to_dict(self._address.conninfo)}
        except psycopg.Error:  # it quotes what it does not understand, and that may be a part of the password
            raise UsageError(f"{VARIABLE} is not a URL that libpq understands", hint="Look at its query: `?sslmode=require`.") from None
        parameters["client_encoding"] = "UTF8"
        # No prepared statements, nothing kept in the session: what stands between may give every transaction another connection.
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: connections.connect("", prepare_threshold=None, **parameters),
            hide_parameters=True,
            **({"poolclass": QueuePool, "pool_pre_ping": True, "max_overflow": _MOST} if pooled else {"poolclass": NullPool}),
        )
        event.listen(engine, "begin", _bounded)
        return engine

    def begin(self, connection: "Connection", *, writing: bool) -> None:
        """The isolation is said, not hoped for: with a snapshot from before the lock a writer would not see who wrote before it."""
        mode = "READ COMMITTED" if writing else "REPEATABLE READ, READ ONLY"
        connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {mode}")
        seconds = {"lock_timeout": self._patience, "statement_timeout": self._most}
        settings = [f"set_config('{name}', '{round(value * 1000)}', true)" for name, value in seconds.items()]
        connection.exec_driver_sql(
            f"SELECT set_config('search_path', '{SCHEMA}', true), {', '.join(settings)},"
            " CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
        )
        if writing:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    def prepare(self, connection: "Connection") -> None:
        """Make the schema, unless an administrator did."""
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise StoreUnavailable(f"{self.name} keeps text as {encoding}", hint="Make the database with ENCODING 'UTF8'.")
        if connection.exec_driver_sql(f"SELECT to_regnamespace('{SCHEMA}')").scalar_one() is None:
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")

    def version(self, connection: "Connection") -> str:
        """The version of the server."""
        return f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar_one()}"

    def unavailable(self, problem: Exception) -> StoreUnavailable:
        """What the driver says, by its SQLSTATE where the server gave one, without the password."""
        driver = getattr(problem, "orig", None) or problem
        said = self._address.scrubbed(" ".join(str(driver).split()))
        for pattern, what, hint in _CAUSES:
            if re.search(pattern, f"[{getattr(driver, 'sqlstate', None) or ''}] {said}"):
                return StoreUnavailable(f"the database {self.name} {what}: {said}", hint=hint)
        return StoreUnavailable(f"the database {self.name} cannot be used: {said}", hint="`seatrial doctor` says more.")


def _bounded(connection: "Connection") -> None:
    """At the start of any transaction, also of one that the durable engine begins; not by a SELECT, which would fix the isolation."""
    connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {round(_IDLE_SECONDS * 1000)}")


_ADDRESS = f"Mend {VARIABLE}."
_CAUSES: Final = (
    (r"^\[55P03\]", "is locked by another process", "Wait for the other run, then try again."),
    (r"^\[57014\]", "takes too long to answer", "Try again; see what else the server does."),
    (r"^\[25P03\]", "ended the transaction, which stood still", "Try again."),
    (r"^\[25006\]", "cannot be written: it is read-only", f"Name the primary server in {VARIABLE}."),
    (r"^\[53100\]|No space left", "cannot be written: its disk is full", "Free some space on the server, then try again."),
    (r"^\[53300\]|too many clients|connection slots", "has no connection left", "Raise max_connections, or put pgbouncer before it."),
    (r"^\[42501\]", "forbids something to this user", f"Let it CREATE on the database, or own the schema {SCHEMA}."),
    (r"^\[42P01\]", "is damaged: a table is gone", "`seatrial audit verify` may say more."),
    (r"^\[57P0[123]\]|starting up|shutting down", "is starting or stopping", "Try again in a moment."),
    (
        r"^\[28[0P0-9]{3}\]|authentication failed|no password supplied|pg_hba\.conf",
        "refuses this user",
        f"{_ADDRESS} It is USER:PASSWORD@.",
    ),
    (r'^\[3D000\]|database ".*" does not exist', "is not there", f"Make it: createdb NAME, or mend {VARIABLE}."),
    (r'role ".*" does not exist', "does not know this user", _ADDRESS),
    (r"translate host name|could not resolve|[Nn]ame or service", "cannot be found", _ADDRESS),
    (
        r"timeout expired|timed out|refused|No such file|[Nn]o route|unreachable",
        "cannot be reached",
        f"Start the server, or mend {VARIABLE}.",
    ),
    (r"^\[08|closed the connection|connection is lost|terminating connection", "broke off the connection", "Try again."),
)
