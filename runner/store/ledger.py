"""The gates' log as rows: one decision is one transaction, at one time of the database's clock."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.ports import Entry, Moment
from runner.store.database import PATIENCE, Database
from runner.store.places import claim

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_NOW = "SELECT (julianday('now') - 2440587.5) * 86400.0"
"""SQLite's clock in seconds since 1970, to the millisecond; `unixepoch('subsec')` needs a newer SQLite than Debian 12 has."""


class SqlLedger:
    """The ledger in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    @contextmanager
    def writing(self) -> Iterator[Moment]:
        """A moment that holds the write lock from its start; all of it is kept, or nothing when the block raises."""
        claim(self._state)
        with self._database.writing() as connection:
            yield _moment(connection)

    @contextmanager
    def reading(self) -> Iterator[Moment]:
        """A consistent view that blocks nobody; empty where nothing was ever recorded."""
        claim(self._state)
        with self._database.reading() as connection:
            yield _moment(connection)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _moment(connection: "Connection") -> "SqlMoment":
    return SqlMoment(connection, float(connection.exec_driver_sql(_NOW).scalar_one()))


class SqlMoment:
    """One transaction, as `runner.ports.Moment` says."""

    def __init__(self, connection: "Connection", now: float) -> None:
        self._connection = connection
        self.now = now

    def entries(self, gate: str, key: str, *, after: int = 0, since: float = 0.0, kind: str | None = None) -> tuple[Entry, ...]:
        """The log of a key in order: entries with `seq` > `after` and `at` > `since`, of one kind or of all."""
        from runner.store.schema import gate_log as log

        query = log.select().where(log.c.gate == gate, log.c.key == key, log.c.seq > after, log.c.at > since).order_by(log.c.seq)
        if kind is not None:
            query = query.where(log.c.kind == kind)
        return tuple(_entry(row) for row in self._connection.execute(query))

    def find(self, gate: str, key: str, kind: str, run: str) -> Entry | None:
        """The entry that a run has of this kind; it has one at most."""
        from runner.store.schema import gate_log as log

        query = log.select().where(log.c.gate == gate, log.c.key == key, log.c.kind == kind, log.c.run == run)
        row = self._connection.execute(query).first()
        return None if row is None else _entry(row)

    def append(self, gate: str, key: str, kind: str, *, run: str = "", body: Mapping[str, Any] | None = None) -> Entry | None:
        """Write an entry at `now`; `None`, and nothing is written, when the run has one of this kind already."""
        from sqlalchemy import insert

        from runner.store.schema import gate_log as log

        if run and self.find(gate, key, kind, run) is not None:
            return None
        body = dict(body or {})
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        row = self._connection.execute(insert(log).values(gate=gate, key=key, kind=kind, run=run, at=self.now, body=text))
        return Entry(int((row.inserted_primary_key or (0,))[0]), self.now, kind, run, body)

    def keys(self, gate: str) -> tuple[str, ...]:
        """Every key that the gate has a log or a state of."""
        from sqlalchemy import select, union

        from runner.store.schema import gate_log, gate_state

        query = union(*(select(table.c.key).where(table.c.gate == gate) for table in (gate_log, gate_state)))
        return tuple(sorted(self._connection.execute(query).scalars()))

    def state(self, gate: str, key: str) -> tuple[int, str] | None:
        """What the log was last folded to, and the `seq` it was folded up to."""
        from runner.store.schema import gate_state as states

        row = self._connection.execute(states.select().where(states.c.gate == gate, states.c.key == key)).first()
        return None if row is None else (int(row.seq), str(row.state))

    def keep(self, gate: str, key: str, seq: int, state: str) -> None:
        """Keep what the log up to `seq` folds to, so that the next fold starts there."""
        from sqlalchemy import insert, update

        from runner.store.schema import gate_state as states

        here = (states.c.gate == gate, states.c.key == key)
        if self._connection.execute(update(states).where(*here).values(seq=seq, state=state)).rowcount == 0:
            self._connection.execute(insert(states).values(gate=gate, key=key, seq=seq, state=state))

    def forget(self, gate: str, key: str, before: float) -> None:
        """Drop entries older than `before` (seconds since 1970) that no decision needs any more."""
        from sqlalchemy import delete

        from runner.store.schema import gate_log as log

        self._connection.execute(delete(log).where(log.c.gate == gate, log.c.key == key, log.c.at < before))

    def audit(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:
        """Write an entry of the audit log, in this very transaction."""
        raise NotImplementedError(kind, subject, body)


def _entry(row: "Row[Any]") -> Entry:
    return Entry(int(row.seq), float(row.at), str(row.kind), str(row.run), json.loads(row.body))
