"""The runs as rows: begun once their first suite runs, finished with their report, found again by id, prefix or `latest`."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from runner.errors import StoreUnavailable, UsageError
from runner.model.result import Ending
from runner.model.run import Command, Run, State
from runner.ports import Moment
from runner.store import attention, owners, tails
from runner.store import logs as log_files
from runner.store.database import PATIENCE, Database
from runner.store.ledger import SqlMoment
from runner.store.library import loaded
from runner.store.places import claim
from runner.store.reach import Reach, within
from runner.store.record import Record, records
from runner.store.run_rows import BEGAN, ENDED, HELD, UNDECIDED, begin, beginning, exit_code, fate_of, identity, time_of, told, whereabouts

__all__ = ["Record", "SqlRuns"]

LATEST: Final = "latest"
DIED: Final = "the process ended before the run did"
_INNER: Final = ("number", "place")
_PREFIX = re.compile(r"[0-9a-f]{1,64}")
_CANDIDATES = 5


class SqlRuns:
    """The record of runs in the folder `state`; every method raises StoreUnavailable when it cannot be read or written."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)
        self._owned: dict[str, int] = {}

    def begin(self, run: Run) -> None:
        """Write down that the run goes on; on disk when this returns. It counts as such until it is finished or this process ends."""
        loaded()
        claim(self._state)
        with self._database.writing() as transaction:
            self._owned[run.id] = owners.own(self._state, run.id)
            begin(transaction.connection, beginning(run, self._state))
            about = {"change": run.change.id, "policy": run.policy.digest, "gates": run.gates.value}
            transaction.audit(BEGAN, run.id, about | ({"author": run.author.name} if run.author.name else {}))

    def finish(
        self,
        run: Run,
        report: str,
        logs: Mapping[str, str],
        *,
        settle: Callable[[Moment], None] | None = None,
        ended: datetime | None = None,
    ) -> None:
        """Write down how it ended: decision, JSON report, and the ends of the suites' logs; `settle` writes in the same transaction.

        A run that never began is recorded whole. A run that was recorded as ended stays as it was.
        """
        loaded()
        from sqlalchemy import insert, update

        from runner.store.schema import runs

        claim(self._state)
        values = {**identity(run), **fate_of(run), "ended": time_of(ended or datetime.now(UTC))}
        values |= {"report": report, "exit_code": exit_code(report)}
        with self._database.writing() as transaction:
            connection = transaction.connection
            there = connection.execute(runs.select().with_only_columns(runs.c.state).where(runs.c.id == run.id)).first()
            if there is None:
                connection.execute(insert(runs).values({"id": run.id, **values, **whereabouts(self._state)}))
            elif there.state in UNDECIDED:
                connection.execute(update(runs).where(runs.c.id == run.id).values(**values))
            if there is None or there.state in UNDECIDED:
                transaction.audit(HELD if run.state is State.HELD else ENDED, run.id, told(values))
            if settle is not None:
                settle(SqlMoment(transaction, writable=True))
        self._disown(run.id)
        self._save(run.id, logs)  # last: a log that does not fit must not cost the record

    def keep_logs(self, run: str, logs: Mapping[str, str]) -> None:
        """Keep the ends of suites' logs before the run has ended."""
        claim(self._state)
        self._save(run, logs)

    def list(self, limit: int = 20) -> tuple[Record, ...]:
        """The newest runs first, without their reports."""
        from sqlalchemy import select

        from runner.store.schema import runs

        columns = (column for column in runs.c if column.name not in (*_INNER, "report"))
        query = select(*columns).order_by(runs.c.number.desc()).limit(limit)
        self._end_the_dead()
        with self._database.reading() as transaction:
            return records(transaction.connection, map(dict, transaction.connection.execute(query).mappings())) if transaction else ()

    def page(
        self, limit: int, *, before: int | None = None, state: str = "", targets: tuple[str, ...] = (), reach: Reach | None = None
    ) -> tuple[tuple[int, Record], ...]:
        """Runs with their numbers, newest first and without their reports: before a number, in a state, to a target where those are given.

        `targets`: all that a target is called, by whoever asked for a run and by the record. `reach`: only those that are reached.
        """
        from sqlalchemy import or_, select

        from runner.store.schema import requests, runs

        columns = (column for column in runs.c if column.name not in ("place", "report"))
        query = select(*columns).order_by(runs.c.number.desc()).limit(limit)
        query = query if before is None else query.where(runs.c.number < before)
        query = query.where(runs.c.state == state) if state else query
        if targets:
            asked_for = select(requests.c.run).where(requests.c.target.in_(targets))
            query = query.where(or_(runs.c.target.in_(targets), runs.c.id.in_(asked_for)))
        query = query.where(within(reach)) if reach is not None else query
        with self._database.reading() as transaction:
            if transaction is None:
                return ()
            rows = [dict(row) for row in transaction.connection.execute(query).mappings()]
            numbers = [row.pop("number") for row in rows]
            return tuple(zip(numbers, records(transaction.connection, rows), strict=True))

    def counts(self) -> dict[tuple[str, str, str, str], int]:
        """How many runs there are of each command, state, ending and verdict."""
        from sqlalchemy import func, select

        from runner.store.schema import runs

        by = (runs.c.command, runs.c.state, runs.c.ending, runs.c.verdict)
        with self._database.reading() as transaction:
            rows = transaction.connection.execute(select(*by, func.count()).group_by(*by)).all() if transaction else []
        return {(row[0], row[1], row[2] or "", row[3] or ""): int(row[4]) for row in rows}

    def find(self, name: str, *, reach: Reach | None = None) -> str:
        """The id of the run called `name`: an id, a unique prefix of one, or `latest`; raises UsageError for none or several.

        `reach`: of those alone that are reached.
        """
        from sqlalchemy import select

        from runner.store.schema import runs

        if name != LATEST and _PREFIX.fullmatch(name) is None:
            raise UsageError(f"'{name}' is no run id", hint="Give an id, the beginning of one, or `latest`; see `seatrial run list`.")
        query = select(runs.c.id).order_by(runs.c.number.desc())
        query = query.where(within(reach)) if reach is not None else query
        query = query.limit(1) if name == LATEST else query.where(runs.c.id.startswith(name, autoescape=True)).limit(_CANDIDATES + 1)
        found: tuple[str, ...] = ()
        with self._database.reading() as transaction:
            if transaction is not None:
                found = tuple(transaction.connection.execute(query).scalars())
        return name if name in found else _only(name, found)

    def show(self, name: str) -> Record:
        """The run called `name`, with its report; raises UsageError as `find` does."""
        from sqlalchemy import select

        from runner.store.schema import runs

        run = self.find(name)
        self._end_the_dead()
        query = select(*(column for column in runs.c if column.name not in _INNER)).where(runs.c.id == run)
        with self._database.reading() as transaction:
            if transaction is None:
                raise StoreUnavailable(f"the record of run {run} is not there any more")
            (found,) = records(transaction.connection, map(dict, transaction.connection.execute(query).mappings()))
            return found.model_copy(update={"decisions": attention.said(transaction.connection, run)})

    def logs(self, name: str) -> dict[str, str]:
        """The ends of the suites' logs of the run called `name`, by suite; raises UsageError as `find` does. Hostile text.

        Of a run of another machine they are shorter: what the database has of them.
        """
        run = self.find(name)
        found = log_files.load(self._state, run)
        if not self._database.server.shared:
            return found
        row = self._row(run, "host", "place")
        if row["place"] == whereabouts(self._state, owners.known_place)["place"]:
            return self._tails(run) | found
        if found := found | self._tails(run):
            return found
        host = row["host"] or "another machine"
        raise UsageError(f"the logs of run {run} are on {host}, where it ran", hint=f"`seatrial run logs {run}` shows them there.")

    def is_here(self, run: str) -> bool:
        """Whether the trees, locks and logs of a run are in this state folder, as they are wherever nobody shares the database."""
        if not self._database.server.shared:
            return True
        return self._row(run, "place").get("place") in (None, whereabouts(self._state, owners.known_place)["place"])

    def _save(self, run: str, logs: Mapping[str, str]) -> None:
        """Keep the ends of logs as files; and what the files have of them then, for other machines that use the database."""
        log_files.save(self._state, run, logs)
        if self._database.server.shared:
            with suppress(StoreUnavailable), self._database.writing() as transaction:  # a copy: the files are the logs
                tails.keep(transaction.connection, run, log_files.load(self._state, run))

    def _tails(self, run: str) -> dict[str, str]:
        with self._database.reading() as transaction:
            return tails.load(transaction.connection, run) if transaction else {}

    def _row(self, run: str, *names: str) -> Mapping[str, Any]:
        """The columns of a run that was found."""
        from sqlalchemy import select

        from runner.store.schema import runs

        with self._database.reading() as transaction:
            if transaction is None:
                return {}
            query = select(*(runs.c[name] for name in names)).where(runs.c.id == run)
            return dict(transaction.connection.execute(query).mappings().one())

    def close(self) -> None:
        """Let go of the database file, and of runs that were never finished."""
        for run in tuple(self._owned):
            self._disown(run)
        self._database.close()

    def _disown(self, run: str) -> None:
        owners.disown(self._state, run, self._owned.pop(run, None))

    def _end_the_dead(self) -> None:
        """End the checks whose process died before it could: nobody else will, but of those that a server was asked for.

        Where that cannot be written they stay as they are.
        """
        from sqlalchemy import select, update

        from runner.store.schema import requests, runs

        query = select(runs.c.id).where(runs.c.state == State.RUNNING.value, runs.c.command == Command.CHECK.value)
        query = query.where(runs.c.id.not_in(select(requests.c.run)))
        if self._database.server.shared:
            query = query.where(*(runs.c[name] == value for name, value in whereabouts(self._state, owners.known_place).items()))
        with self._database.reading() as transaction:
            going = transaction.connection.execute(query).scalars().all() if transaction else ()
        dead = [run for run in going if owners.is_dead(self._state, run)]
        if not dead:
            return
        fate = {"state": State.ENDED.value, "ending": Ending.CANCELLED.value, "reason": DIED, "ended": time_of(datetime.now(UTC))}
        with suppress(StoreUnavailable), self._database.writing() as transaction:
            connection = transaction.connection
            for run in dead:
                here = (runs.c.id == run, runs.c.state == State.RUNNING.value)
                if connection.execute(update(runs).where(*here).values(**fate)).rowcount:
                    row = connection.execute(runs.select().where(runs.c.id == run)).mappings().one()
                    transaction.audit(ENDED, run, told(dict(row)))
                owners.disown(self._state, run)


def _only(name: str, found: tuple[str, ...]) -> str:
    if not found:
        what = "there is no run yet" if name == LATEST else f"there is no run '{name}'"
        raise UsageError(what, hint="`seatrial run list` shows the runs recorded here.")
    if len(found) > 1:
        more = ", …" if len(found) > _CANDIDATES else ""
        raise UsageError(f"'{name}' fits several runs: {', '.join(found[:_CANDIDATES])}{more}", hint="Give more digits.")
    return found[0]
