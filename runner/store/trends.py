"""What came of the runs of the last weeks: verdicts by day, the rules that held most, time in sandboxes, tests that waver."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.model.flaky import Past
from runner.store.browsing import authors, stopped_by
from runner.store.database import PATIENCE, Database
from runner.store.reach import Reach, of_repository, within
from runner.store.run_rows import time_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

MOST_READ: Final = 500
"""Reports that are read, the newest first."""
_MOST_ROWS: Final = 100_000
_NOBODY: Final = "nobody named"
_SANDBOX: Final = ("load", "image", "trial", "controls")
"""Stages, and parts of them, whose time is a sandbox's."""


class Day(NamedTuple):
    """How many runs that began on a day (`YYYY-MM-DD`, UTC) were accepted or rejected by the checks alone, and how many a person was asked about."""

    day: str
    accept: int
    hold: int
    reject: int


class Rule(NamedTuple):
    """A check or a rule, the runs that it held, and those among them that a person let pass."""

    name: str
    held: int
    overturned: int


class Spent(NamedTuple):
    """The runs of an agent, or else of an author, and their minutes in sandboxes."""

    who: str
    runs: int
    minutes: float


class Wavering(NamedTuple):
    """A test that does not always answer the same."""

    repository: str
    test: str
    past: Past


class Trends(NamedTuple):
    """All of it; `read` reports were looked at for rules and time."""

    days: tuple[Day, ...]
    rules: tuple[Rule, ...]
    spent: tuple[Spent, ...]
    flaky: tuple[Wavering, ...]
    read: int


class SqlTrends:
    """Counts in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._database = Database(state, patience=patience)

    def of(self, days: int, *, most: int = 20, reach: Reach | None = None) -> Trends:
        """Of the last so many days, today among them; lists have `most` entries. `reach`: only of runs that are reached."""
        with self._database.reading() as transaction:
            if transaction is None:
                return Trends((), (), (), (), 0)
            connection = transaction.connection
            today = datetime.fromtimestamp(transaction.now, UTC).date()
            since = datetime.combine(today - timedelta(days=days - 1), datetime.min.time(), UTC)
            counted = _since(time_of(since), reach)
            answered = _answered(connection, counted)
            every = [(today - timedelta(days=back)).isoformat() for back in reversed(range(days))]
            reports = _reports(connection, counted)
            who = authors(connection, [run for run, _ in reports])
            return Trends(
                days=tuple(_days(connection, counted, every, set(answered))),
                rules=_rules(reports, answered)[:most],
                spent=_spent(reports, who)[:most],
                flaky=_flaky(connection, most, reach),
                read=len(reports),
            )

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _since(since: str, reach: Reach | None) -> "ColumnElement[bool]":
    """Which runs are counted."""
    from sqlalchemy import and_

    from runner.store.schema import runs

    began = runs.c.started >= since
    return began if reach is None else and_(began, within(reach))


def _answered(connection: "Connection", counted: "ColumnElement[bool]") -> dict[str, set[str]]:
    """The checks that a person let pass, by run; none for a run that was denied."""
    from sqlalchemy import select

    from runner.store.schema import approvals, runs

    query = select(approvals.c.run, approvals.c.answer, approvals.c.checks).join(runs, runs.c.id == approvals.c.run)
    found: dict[str, set[str]] = {}
    for row in connection.execute(query.where(counted).limit(_MOST_ROWS)):
        checks = found.setdefault(row.run, set())
        if row.answer == "approve":
            checks.update(str(sight).rpartition(" ")[0] for sight in json.loads(row.checks))
    return found


def _days(connection: "Connection", counted: "ColumnElement[bool]", days: Iterable[str], answered: set[str]) -> Iterable[Day]:
    from sqlalchemy import select

    from runner.store.schema import runs

    query = select(runs.c.id, runs.c.started, runs.c.state, runs.c.ending, runs.c.verdict).where(counted)
    found: Counter[tuple[str, str]] = Counter()
    for row in connection.execute(query.order_by(runs.c.number.desc()).limit(_MOST_ROWS)):
        asked = row.state == "held" or row.id in answered or row.ending == "expired"
        found[row.started[:10], "hold" if asked else row.verdict or ""] += 1
    for day in days:
        yield Day(day, *(found[day, verdict] for verdict in ("accept", "hold", "reject")))


def _reports(connection: "Connection", counted: "ColumnElement[bool]") -> list[tuple[str, dict[str, Any]]]:
    """The parts of the newest reports that are counted, by run: one report may be large, and all of them together are."""
    from sqlalchemy import select

    from runner.store.schema import runs

    query = select(runs.c.id, runs.c.report).where(counted, runs.c.report.is_not(None))
    rows = connection.execute(query.order_by(runs.c.number.desc()).limit(MOST_READ))
    return [(row.id, _part(json.loads(row.report))) for row in rows]


def _part(report: Any) -> dict[str, Any]:
    if not isinstance(report, dict):  # an edited record may hold anything
        return {}
    results = [
        {
            "check": result.get("check"),
            "outcome": result.get("outcome"),
            "names": sorted({name for _, name in stopped_by({"results": [result]})}),
        }
        for result in report.get("results", ())
        if result.get("outcome") in ("hold", "unknown")
    ]
    return {"results": results, "timings": report.get("timings") or {}}


def _rules(reports: Iterable[tuple[str, Mapping[str, Any]]], answered: Mapping[str, set[str]]) -> tuple[Rule, ...]:
    held: Counter[str] = Counter()
    overturned: Counter[str] = Counter()
    for run, report in reports:
        for result in report.get("results", ()):
            held.update(result["names"])
            overturned.update(result["names"] if result["check"] in answered.get(run, ()) else ())
    return tuple(Rule(name, number, overturned[name]) for name, number in sorted(held.items(), key=lambda one: (-one[1], one[0])))


def _spent(reports: Iterable[tuple[str, Mapping[str, Any]]], who: Mapping[str, tuple[str, str]]) -> tuple[Spent, ...]:
    runs: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for run, report in reports:
        author, agent = who.get(run, ("", ""))
        name, timings = agent or author or _NOBODY, report.get("timings", {})
        runs[name] += 1
        seconds[name] += sum(float(timings.get(stage, 0.0)) for stage in _SANDBOX)  # type: ignore[assignment]
    found = (Spent(name, number, seconds[name] / 60) for name, number in runs.items())
    return tuple(sorted(found, key=lambda one: (-one.minutes, one.who)))


def _flaky(connection: "Connection", most: int, reach: Reach | None) -> tuple[Wavering, ...]:
    from runner.store.schema import flaky_tests

    query = flaky_tests.select().order_by(flaky_tests.c.seen.desc(), flaky_tests.c.test).limit(most)
    query = query.where(of_repository(reach, flaky_tests.c.repository)) if reach is not None else query
    rows = connection.execute(query)
    return tuple(
        Wavering(row.repository, row.test, Past(runs=row.runs, failures=row.failures, seen=row.seen, base=row.base)) for row in rows
    )
