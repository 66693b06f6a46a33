"""What was asked of a server: on record at once, as a run that waits for a worker to read its change."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from runner.errors import StoreUnavailable
from runner.model.request import Asked
from runner.model.run import Command, State
from runner.store.database import PATIENCE, Database
from runner.store.names import storable
from runner.store.places import claim
from runner.store.run_rows import ENDED, time_of, whereabouts

QUEUED: Final = "run.queued"
"""The kind of the entry of the audit log; its subject is the run."""


class Request(NamedTuple):
    """What was asked, and the run that does the same, if one did when a worker came to it."""

    asked: Asked
    joined: str
    token: str = ""
    """The id of whose it was."""


class Queued(StrEnum):
    """Whether a request is on record now, was before, or cannot be, as another has its id."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


class SqlRequests:
    """Requests in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    def queue(self, asked: Asked, *, by: str) -> Queued:
        """Put it on record as a run that waits; where a run of that id is there, nothing is done. `by` is the id of the token."""
        from sqlalchemy import insert, select

        from runner.store.schema import requests, runs

        claim(self._state)
        nothing = dict.fromkeys(("change_id", "patch_id", "base", "policy_digest"), "")
        row = {"id": asked.run, **nothing, **whereabouts(self._state), "repository": asked.repo, "target": asked.target}
        row |= {"started": time_of(datetime.now(UTC)), "state": State.QUEUED.value, "command": asked.command.value, "reason": ""}
        body = asked.model_dump_json()
        with self._database.writing() as transaction:
            connection = transaction.connection
            there = select(requests.c.body).select_from(runs.outerjoin(requests, requests.c.run == runs.c.id)).where(runs.c.id == asked.run)
            if (found := connection.execute(there).first()) is not None:
                return Queued.SAME if found.body == body else Queued.OTHER
            connection.execute(insert(runs).values(row))
            filed = {"run": asked.run, "at": transaction.now, "repo": asked.repo, "target": asked.target, "token": by}
            filed |= {"body": body, "joined": "", "wish": ""}
            connection.execute(insert(requests).values(filed))
            told = {"author": asked.author, "repo": asked.repo, "target": asked.target, "command": asked.command.value, "token": by}
            transaction.audit(QUEUED, asked.run, {name: value for name, value in told.items() if value})
        return Queued.NEW

    def load(self, run: str) -> Request | None:
        """What was asked as that run; `None` for a run that no server was asked for."""
        from runner.store.schema import requests

        with self._database.reading() as transaction:
            row = transaction.connection.execute(requests.select().where(requests.c.run == run)).first() if transaction else None
        if row is None:
            return None
        try:
            return Request(Asked.model_validate_json(row.body), row.joined, row.token)
        except ValueError as problem:
            raise StoreUnavailable(f"what was asked as run {run} cannot be read by this version: {problem}") from problem

    def waiting(self) -> tuple[str, ...]:
        """The runs that no worker has read yet, in the order in which they were asked for."""
        from sqlalchemy import select

        from runner.store.schema import runs

        query = select(runs.c.id).where(runs.c.state == State.QUEUED.value).order_by(runs.c.number)
        with self._database.reading() as transaction:
            return tuple(transaction.connection.execute(query).scalars()) if transaction else ()

    def join(self, run: str, other: str) -> None:
        """Let a request end because another run does the same."""
        self._end(run, {"ending": "cancelled", "reason": f"run {other} does the same"}, joined=other)

    def end(self, run: str, ending: str, reason: str, *, exit_code: int | None = None) -> bool:
        """Let a request end before there is anything to judge: it could not be read, or nobody wants it any more; whether it waited until now.

        `exit_code`: what a command ends with that was asked the same without a server.
        """
        code = {} if exit_code is None else {"exit_code": exit_code}
        return self._end(run, {"ending": ending, "reason": storable(reason), **code})

    def _end(self, run: str, fate: Mapping[str, Any], *, joined: str = "") -> bool:
        from sqlalchemy import update

        from runner.store.schema import requests, runs

        with self._database.writing() as transaction:
            connection = transaction.connection
            here = (runs.c.id == run, runs.c.state == State.QUEUED.value)
            ended = {**fate, "state": State.ENDED.value, "ended": time_of(datetime.now(UTC))}
            if not connection.execute(update(runs).where(*here).values(ended)).rowcount:
                return False
            if joined:
                connection.execute(update(requests).where(requests.c.run == run).values(joined=joined))
            transaction.audit(ENDED, run, {**ended, "joined": joined} if joined else ended)
        return True

    def cancel(self, run: str, *, by: str, reason: str) -> bool:
        """End a request that no worker has begun; whether none had."""
        return self.end(run, "cancelled", _cancelled(by, reason))

    def wish(self, run: str, *, by: str, reason: str) -> bool:
        """Ask whoever judges a check to end it; whether one is under way."""
        from sqlalchemy import select, update

        from runner.store.schema import requests, runs

        with self._database.writing() as transaction:
            going = select(runs.c.id).where(runs.c.id == run, runs.c.state == State.RUNNING.value, runs.c.command == Command.CHECK.value)
            here = update(requests).where(requests.c.run.in_(going)).values(wish=storable(_cancelled(by, reason)))
            if not transaction.connection.execute(here).rowcount:
                return False
            transaction.audit("run.cancel", run, {"who": by, "reason": reason})
        return True

    def wished(self, run: str) -> str:
        """Why a check is to end, or has ended before it was judged; nothing where it is to go on."""
        from sqlalchemy import select

        from runner.store.schema import requests, runs

        query = select(requests.c.wish, runs.c.state, runs.c.reason).join(runs, runs.c.id == requests.c.run).where(requests.c.run == run)
        with self._database.reading() as transaction:
            row = transaction.connection.execute(query).first() if transaction else None
        if row is None or row.wish:
            return row.wish if row else ""
        return row.reason if row.state == State.ENDED.value else ""

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _cancelled(by: str, reason: str) -> str:
    return f"{by} cancelled it: {reason}"
