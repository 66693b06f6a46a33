"""Runs as people look for them: by repository, target, author or agent, state, and by the rule that stopped them."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.model.promotion import Step
from runner.store import attention
from runner.store.attention import Awaited
from runner.store.database import PATIENCE, Database
from runner.store.names import storable
from runner.store.reach import Reach, within
from runner.store.record import Record, records
from runner.store.requests import QUEUED
from runner.store.run_rows import BEGAN

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

_CHUNK: Final = 100
_MOST_READ: Final = 1000
"""Reports that are read for one page of runs that a rule stopped."""
_MOST_AWAITED: Final = 500
"""Runs that are looked at for whether a person is waited for."""
_WHO: Final = ("author", "name", "agent")
"""What the audit log calls who made a change, and the program that wrote it."""
_STOPPED: Final = ("hold", "fail", "unknown", "refuse", "warn")


class Wanted(NamedTuple):
    """What to look for; an empty field asks for nothing. `repositories` and `targets` are all that one is called by."""

    repositories: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    who: str = ""
    """The beginning of an author's or an agent's name."""
    state: str = ""
    rule: str = ""
    """The beginning of a rule, or of a check."""
    reach: Reach | None = None
    """Which runs are there at all for whoever looks."""


class Seen(NamedTuple):
    """A run of a list, without its report."""

    number: int
    record: Record
    author: str
    agent: str


class SqlBrowsing:
    """Looks through the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._database = Database(state, patience=patience)

    def runs(self, wanted: Wanted, limit: int, *, before: int | None = None) -> tuple[Seen, ...]:
        """The newest first; before a number where that is given. By a rule, only so many of the newest reports are read."""
        with self._database.reading() as transaction:
            if transaction is None:
                return ()
            connection = transaction.connection
            rows = _ruled(connection, wanted, limit, before) if wanted.rule else _rows(connection, _query(wanted, before), limit)
            who = authors(connection, [row["id"] for row in rows])
            numbers = [row.pop("number") for row in rows]
            found = records(connection, rows)
        return tuple(Seen(number, record, *who.get(record.id, ("", ""))) for number, record in zip(numbers, found, strict=True))

    def awaited(self, limit: int, *, reach: Reach | None = None) -> tuple[tuple[str, Awaited], ...]:
        """Submitted runs that wait for a person, and for what: first what is promoted, which has a deadline, then those that wait longest.

        `reach`, here and below: only those that are reached.
        """
        from sqlalchemy import and_, or_, select

        from runner.store.schema import promotions, runs, submissions

        query = select(*(runs.c[name] for name in ("id", "state", "command", "stage", "reason")))
        query = query.join(submissions, submissions.c.run == runs.c.id).outerjoin(promotions, promotions.c.run == runs.c.id)
        promoted = and_(runs.c.state == "running", promotions.c.step == Step.PROMOTED.value)
        query = query.where(or_(runs.c.state == "held", promoted))
        query = query.where(within(reach)) if reach is not None else query
        query = query.order_by(runs.c.state.desc(), runs.c.ended, runs.c.number)
        with self._database.reading() as transaction:
            if transaction is None:
                return ()
            rows = [dict(row) for row in transaction.connection.execute(query.limit(_MOST_AWAITED)).mappings()]
            found = attention.awaited(transaction.connection, rows)
        return tuple((row["id"], found[row["id"]]) for row in rows if row["id"] in found)[:limit]

    def states(self, *, reach: Reach | None = None) -> dict[str, int]:
        """How many runs there are in each state."""
        from sqlalchemy import func, select

        from runner.store.schema import runs

        with self._database.reading() as transaction:
            query = select(runs.c.state, func.count()).group_by(runs.c.state)
            query = query.where(within(reach)) if reach is not None else query
            return {str(state): int(number) for state, number in transaction.connection.execute(query)} if transaction else {}

    def places(self, most: int = 50, *, reach: Reach | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Repositories and targets that runs were of."""
        from sqlalchemy import select

        from runner.store.schema import runs

        with self._database.reading() as transaction:
            if transaction is None:
                return (), ()
            seen = (within(reach),) if reach is not None else ()
            queries = (
                select(column).where(column != "", *seen).distinct().order_by(column).limit(most)
                for column in (runs.c.repository, runs.c.target)
            )
            repositories, targets = (tuple(transaction.connection.execute(query).scalars()) for query in queries)
            return repositories, targets

    def who(self, run: str) -> tuple[str, str]:
        """Who made the change of a run, and the program that wrote it."""
        with self._database.reading() as transaction:
            return authors(transaction.connection, [run]).get(run, ("", "")) if transaction else ("", "")

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def authors(connection: "Connection", runs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Author and agent by run, as the audit log has them from when each was asked for."""
    from sqlalchemy import select

    from runner.store.schema import audit

    found: dict[str, tuple[str, str]] = {}
    every = sorted(runs)
    for begin in range(0, len(every), _CHUNK):
        here = (audit.c.subject.in_(every[begin : begin + _CHUNK]), audit.c.kind.in_((QUEUED, BEGAN)))
        for row in connection.execute(select(audit.c.subject, audit.c.body).where(*here).order_by(audit.c.seq)):
            body = _parsed(row.body)
            author, agent = found.get(row.subject, ("", ""))
            found[row.subject] = (str(body.get("name") or body.get("author") or author), str(body.get("agent") or agent))
    return found


def stopped_by(report: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Of each check of a report that did not pass: its outcome with its name, and with each rule of its findings."""
    for result in report.get("results", ()):
        if result.get("outcome") in _STOPPED:
            names = {str(result.get("check")), *(str(finding.get("rule")) for finding in result.get("findings", ()))}
            yield from ((str(result["outcome"]), name) for name in names)


def _query(wanted: Wanted, before: int | None, *, report: bool = False) -> "Select[Any]":
    from sqlalchemy import or_, select

    from runner.store.schema import audit, runs

    left_out = {"place"} if report else {"place", "report"}
    query = select(*(column for column in runs.c if column.name not in left_out)).order_by(runs.c.number.desc())
    query = query.where(runs.c.number < before) if before is not None else query
    query = query.where(runs.c.repository.in_(map(storable, wanted.repositories))) if wanted.repositories else query
    query = query.where(runs.c.target.in_(map(storable, wanted.targets))) if wanted.targets else query
    query = query.where(runs.c.state == wanted.state) if wanted.state else query
    query = query.where(within(wanted.reach)) if wanted.reach is not None else query
    if wanted.who:
        named = (audit.c.body.contains(f'"{key}":{json.dumps(wanted.who)[:-1]}', autoescape=True) for key in _WHO)
        query = query.where(runs.c.id.in_(select(audit.c.subject).where(audit.c.kind.in_((QUEUED, BEGAN)), or_(*named))))
    if wanted.rule:
        begins = json.dumps(wanted.rule)[:-1]
        query = query.where(or_(*(runs.c.report.contains(f'"{key}": {begins}', autoescape=True) for key in ("check", "rule"))))
    return query


def _rows(connection: "Connection", query: "Select[Any]", limit: int) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]


def _ruled(connection: "Connection", wanted: Wanted, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Those whose report says that a check of that name, or with a finding of that rule, did not pass."""
    found: list[dict[str, Any]] = []
    read = 0
    while read < _MOST_READ and len(found) < limit:
        rows = _rows(connection, _query(wanted, before, report=True), _CHUNK)
        for row in rows:
            report = _parsed(row.pop("report"))
            if any(name.startswith(wanted.rule) for _, name in stopped_by(report)):
                found.append(row)
        if len(rows) < _CHUNK:
            break
        read, before = read + len(rows), rows[-1]["number"]
    return found[:limit]


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        body = json.loads(text or "{}")
    except (ValueError, RecursionError):  # an edited record may hold anything
        return {}
    return body if isinstance(body, dict) else {}
