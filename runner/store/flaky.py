"""What is remembered of tests that waver, in the database of runs: it sets how often a suspect is run again, and no verdict hangs on it."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import StoreUnavailable
from runner.model.flaky import MOST_COUNTED, Past, Tally
from runner.store.database import IMPATIENCE, Database
from runner.store.names import storable
from runner.store.places import claim

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

MOST_TESTS = 50_000
"""Tests of one repository that are remembered; beyond them those that wavered longest ago are forgotten."""


class SqlFlakyTests:
    """The past of one repository's tests, as `runner.ports.FlakyTests` says; the database is opened for each use and let go of.

    `repository` is the name it is remembered by, `note` is told what could not be read or written.
    """

    def __init__(
        self, state: Path, repository: str, note: Callable[[str], None], *, patience: float = IMPATIENCE, most: int = MOST_TESTS
    ) -> None:
        self._state, self._repository, self._note = state, storable(repository), note
        self._patience, self._most = patience, most

    def load(self, tests: Collection[str]) -> Mapping[str, Past]:
        """What is known of those among `tests` that ever wavered; empty, and said, where that cannot be read."""
        rows: Mapping[str, Past] = {}
        with self._forgiving("what is known of flaky tests cannot be read"):
            rows = self._rows()
        return {test: rows[name] for test in tests if (name := storable(test)) in rows}

    def save(self, base_tree: str, wavered: Mapping[str, Tally], passed: Collection[str]) -> None:
        """Add what one trial saw: counts of tests that wavered, and one run that passed for each of `passed` that is known already."""
        with self._forgiving("what the trial saw of flaky tests cannot be kept"):
            known = self._rows()
            passing = {storable(test) for test in passed} & known.keys() if known else set()
            if wavered or passing:
                self._write(base_tree, {storable(test): tally for test, tally in wavered.items()}, passing)

    def _rows(self) -> dict[str, Past]:
        """All that is known of the repository, by the names that are stored."""
        with closing(Database(self._state, patience=self._patience)) as database, database.reading() as transaction:
            return {} if transaction is None else _rows(transaction.connection, self._repository)

    def _write(self, base_tree: str, wavered: Mapping[str, Tally], passing: Collection[str]) -> None:
        claim(self._state)
        with closing(Database(self._state, patience=self._patience)) as database, database.writing() as transaction:
            known = _rows(transaction.connection, self._repository)
            adding = {**{test: Tally(1, 0) for test in passing if test in known}, **wavered}
            rows = []
            for test, tally in adding.items():
                past = known.get(test)
                total = _halved(tally.plus(Tally(past.runs, past.failures) if past else Tally()))
                when = (past.seen, past.base) if past and test not in wavered else (transaction.now, base_tree)
                rows.append({"of_test": test, "runs": total.runs, "failures": total.failures, "seen": when[0], "base": when[1]})
            _replace(transaction.connection, self._repository, rows, known)
            _bound(transaction.connection, self._repository, self._most)

    @contextmanager
    def _forgiving(self, what: str) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as problem:
            log.warning("%s: %s", what, problem)
            self._note(f"{what}: {problem}")


def _rows(connection: "Connection", repository: str) -> dict[str, Past]:
    from runner.store.schema import flaky_tests

    query = flaky_tests.select().where(flaky_tests.c.repository == repository)
    try:
        return {row.test: Past(runs=row.runs, failures=row.failures, seen=row.seen, base=row.base) for row in connection.execute(query)}
    except ValueError as problem:  # a row that this program did not write
        raise StoreUnavailable("the record of flaky tests is damaged", hint="Restore the database from a backup.") from problem


def _halved(tally: Tally) -> Tally:
    """The counts, halved until they are few enough."""
    while tally.runs > MOST_COUNTED:
        tally = Tally(tally.runs // 2, tally.failures // 2)
    return tally


def _replace(connection: "Connection", repository: str, rows: list[dict[str, Any]], known: Collection[str]) -> None:
    from sqlalchemy import bindparam, insert, update

    from runner.store.schema import flaky_tests

    here = (flaky_tests.c.repository == repository, flaky_tests.c.test == bindparam("of_test"))
    if old := [row for row in rows if row["of_test"] in known]:
        connection.execute(update(flaky_tests).where(*here), old)
    if new := [row for row in rows if row["of_test"] not in known]:
        values = [{"repository": repository, "test": row.pop("of_test"), **row} for row in new]
        connection.execute(insert(flaky_tests), values)


def _bound(connection: "Connection", repository: str, most: int) -> None:
    from sqlalchemy import delete, func, select

    from runner.store.schema import flaky_tests

    here = flaky_tests.c.repository == repository
    over = connection.execute(select(func.count()).select_from(flaky_tests).where(here)).scalar_one() - most
    if over > 0:
        oldest = select(flaky_tests.c.test).where(here).order_by(flaky_tests.c.seen, flaky_tests.c.test).limit(over)
        connection.execute(delete(flaky_tests).where(here, flaky_tests.c.test.in_(oldest)))
