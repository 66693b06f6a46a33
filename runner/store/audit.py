"""The audit log as its readers see it: listed, verified against checkpoints, and with one to keep elsewhere."""

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import StoreUnavailable
from runner.store import chain
from runner.store.chain import Verified
from runner.store.checkpoints import Checkpoint
from runner.store.database import PATIENCE, Database
from runner.store.names import storable
from runner.store.reach import Reach, within


class AuditEntry(NamedTuple):
    """One entry: what happened (`kind`) to what (`subject`), when by the database's clock in seconds since 1970, and on which host."""

    seq: int
    at: float
    host: str
    kind: str
    subject: str
    body: dict[str, Any]
    previous: str
    hash: str


class AuditLog:
    """The audit log that belongs to the folder `state`; every method raises StoreUnavailable when it cannot be read."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._database = Database(state, patience=patience)

    def newest(
        self,
        limit: int,
        *,
        kind: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        reach: Reach | None = None,
    ) -> tuple[AuditEntry, ...]:
        """Entries, newest first, of one kind, about one subject and before a number where these are given. They are not verified.

        `reach`: only those about runs that are reached.
        """
        from sqlalchemy import exists

        from runner.store.schema import audit, runs

        query = audit.select().order_by(audit.c.seq.desc()).limit(limit)
        if kind is not None:
            query = query.where(audit.c.kind == storable(kind))
        if subject is not None:
            query = query.where(audit.c.subject == storable(subject))
        if before is not None:
            query = query.where(audit.c.seq < before)
        if reach is not None:
            query = query.where(exists().where(runs.c.id == audit.c.subject, within(reach)))
        with self._database.reading() as transaction:
            return tuple(_entry(dict(row)) for row in transaction.connection.execute(query).mappings()) if transaction else ()

    def head(self) -> Checkpoint | None:
        """The newest entry as a checkpoint; `None` where nothing was recorded."""
        with self._database.reading() as transaction:
            return chain.head(transaction.connection) if transaction else None

    def verify(self, known: Iterable[Checkpoint] = ()) -> Verified:
        """Look at every entry, and compare with our own checkpoints and those of `known`."""
        try:
            kept = self._database.checkpoints.load()  # before the view: what it knows was committed, and the view must show it
        except OSError as problem:
            raise StoreUnavailable(f"{self._database.checkpoints.path} cannot be read: {problem.strerror}") from problem
        checkpoints = {*kept, *known}
        with self._database.reading() as transaction:
            return chain.verify(transaction.connection, checkpoints) if transaction else chain.absent(checkpoints)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _entry(row: Mapping[str, Any]) -> AuditEntry:
    """A row for people: one that was edited may hold anything."""
    texts = {name: str(row[name]) for name in ("host", "kind", "subject", "previous", "hash")}
    at = row["at"] if isinstance(row["at"], float) and isfinite(row["at"]) else 0.0
    return AuditEntry(seq=row["seq"] if isinstance(row["seq"], int) else 0, at=at, body=_body(row["body"]), **texts)


def _body(text: Any) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {"unreadable": str(text)}
