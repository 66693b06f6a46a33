"""What has happened, for whoever listens: each with a number, in the order in which it was committed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from runner.store.database import PATIENCE, Database
from runner.store.names import storable
from runner.store.reach import Reach, within

KEPT: Final = 7 * 86400.0
"""Seconds after which an event is removed; whoever has not heard it by then asks for the runs."""


DOING: Final = "run.doing"
"""The kind of what says that a stage of a run begins; its body names the stage."""


class Event(NamedTuple):
    """One event: `kind` as in the audit log, or `run.stage` and `run.doing`; `at` in seconds since 1970."""

    seq: int
    at: float
    kind: str
    run: str
    """The run, backup, breaker or token that it is about."""
    body: dict[str, Any]


class SqlEvents:
    """Events in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._database = Database(state, patience=patience)

    def after(self, seq: int, limit: int, *, run: str = "", reach: Reach | None = None) -> tuple[Event, ...]:
        """Those after number `seq`, oldest first; about one run where that is given, with `reach` about runs alone that are reached."""
        return self.heard(seq, limit, run=run, reach=reach)[0]

    def heard(self, seq: int, limit: int, *, run: str = "", reach: Reach | None = None) -> tuple[tuple[Event, ...], int]:
        """The same, and the number to go on from: what was passed over is not looked at again."""
        from sqlalchemy import exists, func, select

        from runner.store.schema import events, runs

        query = events.select().where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if run:
            query = query.where(events.c.run == storable(run))
        if reach is not None:
            query = query.where(exists().where(runs.c.id == events.c.run, within(reach)))
        with self._database.reading() as transaction:
            if transaction is None:
                return (), seq
            rows = transaction.connection.execute(query).all()
            newest = transaction.connection.execute(select(func.max(events.c.seq))).scalar() if len(rows) < limit else rows[-1].seq
        found = tuple(Event(row.seq, row.at, row.kind, row.run, json.loads(row.body)) for row in rows)
        return found, max(seq, newest or 0)

    def tell(self, kind: str, run: str, body: Mapping[str, Any]) -> None:
        """Let whoever listens know of something that is no entry of the audit log."""
        with self._database.writing() as transaction:
            transaction.tell(kind, run, body)

    def bounds(self) -> tuple[int, int]:
        """The numbers of the oldest and the newest that is there; 1 and 0 where there is none."""
        from sqlalchemy import func, select

        from runner.store.schema import events

        with self._database.reading() as transaction:
            if transaction is None:
                return 1, 0
            first, last = transaction.connection.execute(select(func.min(events.c.seq), func.max(events.c.seq))).one()
        return (int(first), int(last)) if first is not None else (1, 0)

    def prune(self, seconds: float = KEPT) -> int:
        """Remove those that are older, but never the newest, whose number goes on counting, nor what a webhook is still to be told; how many."""
        from sqlalchemy import delete, exists, func, select

        from runner.store.schema import events, webhooks

        with self._database.writing() as transaction:
            newest = select(func.max(events.c.seq)).scalar_subquery()
            untold = exists().where(webhooks.c.disabled.is_(None), webhooks.c.seq < events.c.seq)
            old = delete(events).where(events.c.at < transaction.now - seconds, events.c.seq < newest, ~untold)
            return int(transaction.connection.execute(old).rowcount)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
