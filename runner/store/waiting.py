"""What waits for a worker, and what waits for a machine that does not answer."""

from pathlib import Path
from typing import NamedTuple

from runner.model.run import Command, State
from runner.store.database import PATIENCE, Database


class Queue(NamedTuple):
    """Requests that nobody has begun, by the name of what they are for; `oldest` is the age of the first, in seconds."""

    kind: str
    """`target`, or `repo` for checks."""
    name: str
    waiting: int
    oldest: float


class Home(NamedTuple):
    """A state folder with submitted runs that have not ended."""

    place: str
    host: str
    runs: int


class SqlWaiting:
    """Looks into the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._database = Database(state, patience=patience)

    def queues(self) -> tuple[Queue, ...]:
        """Those in which something waits, the longest wait first."""
        from sqlalchemy import func, select

        from runner.store.schema import requests, runs

        by = (runs.c.command, runs.c.repository, runs.c.target)
        query = select(*by, func.count(), func.min(requests.c.at)).join(requests, requests.c.run == runs.c.id)
        query = query.where(runs.c.state == State.QUEUED.value).group_by(*by)
        with self._database.reading() as transaction:
            if transaction is None:
                return ()
            now, rows = transaction.now, transaction.connection.execute(query).all()
        found = [_queue(*row, now=now) for row in rows]
        return tuple(sorted(found, key=lambda queue: (-queue.oldest, queue.kind, queue.name)))

    def homes(self) -> tuple[Home, ...]:
        """Where submitted runs are that neither wait for a worker nor for a person."""
        from sqlalchemy import func, select

        from runner.store.schema import runs

        query = select(runs.c.place, func.max(runs.c.host), func.count()).group_by(runs.c.place)
        query = query.where(runs.c.state == State.RUNNING.value, runs.c.command != Command.CHECK.value)
        with self._database.reading() as transaction:
            rows = transaction.connection.execute(query).all() if transaction else []
        return tuple(Home(place or "", host or "", int(count)) for place, host, count in rows)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _queue(command: str, repo: str, target: str, waiting: int, since: float, *, now: float) -> Queue:
    checks = command == Command.CHECK.value
    return Queue("repo" if checks else "target", repo if checks else target, int(waiting), max(0.0, now - since))
