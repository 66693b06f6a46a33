"""Events on real databases: each with the change that it tells of or not at all, in order, and removed after a while."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.store.database import Database
from runner.store.events import SqlEvents
from runner.store.places import claim


@pytest.fixture
def events(tmp_path: Path, any_database: str) -> Iterator[SqlEvents]:
    made = SqlEvents(tmp_path / "state", patience=5)
    yield made
    made.close()


@pytest.fixture
def database(tmp_path: Path, any_database: str) -> Iterator[Database]:
    made = Database(claim(tmp_path / "state"), patience=5)
    yield made
    made.close()


def told(database: Database, *kinds: str, run: str = "a") -> None:
    with database.writing() as transaction:
        for kind in kinds:
            transaction.audit(kind, run, {"kind": kind})


def test_what_the_audit_log_has_is_told_and_more_in_the_order_of_their_numbers(database: Database, events: SqlEvents) -> None:
    assert (events.bounds(), events.after(0, 9)) == ((1, 0), ())
    told(database, "run.began")
    with database.writing() as transaction:
        transaction.tell("run.stage", "b", {"stage": "trial"})
    found = events.after(0, 9)
    assert [(event.kind, event.run, event.body) for event in found] == [
        ("run.began", "a", {"kind": "run.began"}),
        ("run.stage", "b", {"stage": "trial"}),
    ]
    assert found[0].seq < found[1].seq
    assert events.bounds() == (found[0].seq, found[1].seq)
    assert events.after(found[0].seq, 9) == found[1:]
    assert events.after(0, 1) == found[:1]
    assert events.after(0, 9, run="b") == found[1:]


def test_nothing_is_told_of_what_was_not_done(database: Database, events: SqlEvents) -> None:
    told(database, "run.began")

    def broken() -> None:
        with database.writing() as transaction:
            transaction.audit("run.ended", "a", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert [event.kind for event in events.after(0, 9)] == ["run.began"]


def test_old_ones_are_removed_and_numbers_are_never_given_again(database: Database, events: SqlEvents) -> None:
    told(database, "one", "two", "three")
    newest = events.bounds()[1]
    assert events.prune(3600) == 0
    assert events.prune(-1) == 2
    assert events.bounds() == (newest, newest)
    told(database, "four")
    assert events.after(newest, 9)[0].seq > newest
