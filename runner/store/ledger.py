"""The gates' log as rows: one decision is one transaction, at one time of the database's clock."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import StoreUnavailable
from runner.ports import Entry, Moment
from runner.store.database import PATIENCE, Database, Transaction
from runner.store.names import storable
from runner.store.places import claim

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

ONLY_READ = "a moment that may only be read was written to"


class SqlLedger:
    """The ledger in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    @contextmanager
    def writing(self) -> Iterator[Moment]:
        """A moment that holds the write lock from its start; all of it is kept, or nothing when the block raises."""
        claim(self._state)
        with self._database.writing() as transaction:
            yield SqlMoment(transaction, writable=True)

    @contextmanager
    def reading(self) -> Iterator[Moment]:
        """A consistent view that blocks nobody; empty, and nothing is made, where nothing was ever recorded."""
        with self._database.reading() as transaction:
            yield Nothing() if transaction is None else SqlMoment(transaction, writable=False)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


class SqlMoment:
    """One transaction, as `runner.ports.Moment` says.

    Names (gate, key, kind, run) are kept as `runner.store.names.storable` gives them. `now` never goes back from one moment to the
    next while the database's clock was set back by less than an hour: then it stands still at the newest entry until the clock is there.
    """

    def __init__(self, transaction: Transaction, *, writable: bool) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._writable = writable
        self.now = transaction.now

    def entries(self, gate: str, key: str, *, after: int = 0, since: float = 0.0, kind: str | None = None) -> tuple[Entry, ...]:
        """The log of a key in order: entries with `seq` > `after` and `at` > `since`, of one kind or of all."""
        from runner.store import queries

        # one bound at most: a planner that sees two may go by the one that leaves the whole log
        query = queries.entries(after=bool(after), since=bool(since), kind=kind is not None)
        given = {"gate": gate, "key": storable(key), "after": after, "since": since, "kind": kind}
        return tuple(_entry(row) for row in self._connection.execute(query, given))

    def find(self, gate: str, key: str, kind: str, run: str) -> Entry | None:
        """The entry that a run has of this kind; it has one at most."""
        from runner.store import queries

        given = {"gate": gate, "key": storable(key), "kind": kind, "run": storable(run)}
        row = self._connection.execute(queries.find(), given).first()
        return None if row is None else _entry(row)

    def append(self, gate: str, key: str, kind: str, *, run: str = "", body: Mapping[str, Any] | None = None) -> Entry | None:
        """Write an entry at `now`; `None`, and nothing is written, when the run has one of this kind already."""
        from runner.store import queries

        connection = self._to_write()
        if run and self.find(gate, key, kind, run) is not None:
            return None
        text = json.dumps(dict(body or {}), sort_keys=True, separators=(",", ":"), allow_nan=False)
        values = {"gate": gate, "key": storable(key), "kind": kind, "run": storable(run), "at": self.now, "body": text}
        row = connection.execute(queries.append(), values)
        return Entry(int((row.inserted_primary_key or (0,))[0]), self.now, kind, storable(run), json.loads(text))

    def keys(self, gate: str) -> tuple[str, ...]:
        """Every key that the gate has a log or a state of."""
        from runner.store import queries

        return tuple(sorted(self._connection.execute(queries.keys(), {"gate": gate}).scalars()))

    def state(self, gate: str, key: str) -> tuple[int, str] | None:
        """What the log was last folded to, and the `seq` it was folded up to."""
        from runner.store import queries

        row = self._connection.execute(queries.state(), {"of_gate": gate, "of_key": storable(key)}).first()
        return None if row is None else (int(row.seq), str(row.state))

    def keep(self, gate: str, key: str, seq: int, state: str) -> None:
        """Keep what the log up to `seq` folds to, so that the next fold starts there."""
        from runner.store import queries

        connection, values = self._to_write(), {"seq": seq, "state": state}
        here = {"of_gate": gate, "of_key": storable(key)}
        if connection.execute(queries.replace_state(), {**here, **values}).rowcount == 0:
            connection.execute(queries.keep_state(), {"gate": gate, "key": storable(key), **values})

    def forget(self, gate: str, key: str, before: float) -> None:
        """Drop entries older than `before` (seconds since 1970) that no decision needs any more."""
        from runner.store import queries

        self._to_write().execute(queries.forget(), {"gate": gate, "key": storable(key), "before": before})

    def audit(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:
        """Write an entry of the audit log, in this very transaction."""
        self._to_write()
        self._transaction.audit(kind, subject, body)

    def _to_write(self) -> "Connection":
        if not self._writable:
            raise RuntimeError(ONLY_READ)
        return self._connection


class Nothing:
    """The moment of a ledger where nothing was ever recorded; it cannot be written to."""

    def __init__(self) -> None:
        self.now = time.time()

    def entries(self, gate: str, key: str, *, after: int = 0, since: float = 0.0, kind: str | None = None) -> tuple[Entry, ...]:  # noqa: ARG002
        """None."""
        return ()

    def find(self, gate: str, key: str, kind: str, run: str) -> Entry | None:  # noqa: ARG002
        """None."""
        return None

    def keys(self, gate: str) -> tuple[str, ...]:  # noqa: ARG002
        """None."""
        return ()

    def state(self, gate: str, key: str) -> tuple[int, str] | None:  # noqa: ARG002
        """None."""
        return None

    def append(self, gate: str, key: str, kind: str, *, run: str = "", body: Mapping[str, Any] | None = None) -> Entry | None:  # noqa: ARG002
        """A bug."""
        raise RuntimeError(ONLY_READ)

    def keep(self, gate: str, key: str, seq: int, state: str) -> None:  # noqa: ARG002
        """A bug."""
        raise RuntimeError(ONLY_READ)

    def forget(self, gate: str, key: str, before: float) -> None:  # noqa: ARG002
        """A bug."""
        raise RuntimeError(ONLY_READ)

    def audit(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:  # noqa: ARG002
        """A bug."""
        raise RuntimeError(ONLY_READ)


def _entry(row: "Row[Any]") -> Entry:
    """Raises StoreUnavailable for a row that this program did not write: no judgement can rest on it."""
    try:
        body = json.loads(row.body)
        if isinstance(body, dict):
            return Entry(int(row.seq), float(row.at), str(row.kind), str(row.run), body)
    except (TypeError, ValueError, RecursionError):
        pass
    raise StoreUnavailable(
        f"the gates' log is damaged: entry {row.seq} of the gate {row.gate} holds what none does",
        hint="Restore the database from a backup.",
    )
