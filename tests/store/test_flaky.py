"""What is remembered of flaky tests, on real databases: what adds up, what is forgotten, and that it never stands in the way."""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.model.flaky import MOST_COUNTED, Past, Tally
from runner.store.database import Database
from runner.store.flaky import SqlFlakyTests

BASE, OTHER = "b" * 40, "c" * 40
ODD = ("t.py::a[\0]", "t.py::a[\udce9]", "t.py::a[" + "x" * 5000 + "]", "t.py::a[" + "x" * 5000 + "y]")
"""Ids that no database takes as they are."""


class Notes(list[str]):
    """What was said."""


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def tests_of(tmp_path: Path, any_database: str, notes: Notes) -> Callable[..., SqlFlakyTests]:
    """Opens what is remembered of one repository's tests."""

    def made(repository: str = "repo:/r", **more: int) -> SqlFlakyTests:
        return SqlFlakyTests(tmp_path / "state", repository, notes.append, patience=5, **more)

    return made


def test_what_trials_saw_adds_up_and_a_pass_counts_for_tests_that_are_known(tests_of: Callable[..., SqlFlakyTests]) -> None:
    before = time.time() - 1
    tests_of().save(BASE, {"t::a": Tally(3, 1)}, {"t::b"})
    first = tests_of().load(["t::a", "t::b", "t::c"])
    assert first.keys() == {"t::a"}
    assert before < first["t::a"].seen < time.time() + 1
    tests_of().save(OTHER, {}, {"t::a", "t::b"})
    assert tests_of().load(["t::a"]) == {"t::a": Past(runs=4, failures=1, seen=first["t::a"].seen, base=BASE)}
    tests_of().save(OTHER, {"t::a": Tally(4, 2), "t::c": Tally(2, 1)}, ())
    again = tests_of().load(["t::a", "t::c"])
    assert (again["t::a"].runs, again["t::a"].failures, again["t::a"].base) == (8, 3, OTHER)
    assert again["t::a"].seen >= first["t::a"].seen
    assert again["t::c"].runs == 2


def test_repositories_know_nothing_of_one_another(tests_of: Callable[..., SqlFlakyTests]) -> None:
    tests_of().save(BASE, {"t::a": Tally(2, 1)}, ())
    tests_of("repo:/other").save(BASE, {"t::a": Tally(9, 3)}, ())
    assert [tests_of(name).load(["t::a"])["t::a"].runs for name in ("repo:/r", "repo:/other")] == [2, 9]


def test_ids_that_no_database_takes_are_told_apart(tests_of: Callable[..., SqlFlakyTests], notes: Notes) -> None:
    tests_of("repo:/\udce9").save(BASE, {test: Tally(number + 2, 1) for number, test in enumerate(ODD)}, ())
    found = tests_of("repo:/\udce9").load(ODD)
    assert [found[test].runs for test in ODD] == [2, 3, 4, 5]
    assert notes == []


def test_beyond_the_most_those_that_wavered_longest_ago_are_forgotten(tests_of: Callable[..., SqlFlakyTests]) -> None:
    for test in ("t::1", "t::2", "t::3"):
        tests_of(most=3).save(BASE, {test: Tally(2, 1)}, ())
        time.sleep(0.01)
    tests_of(most=3).save(BASE, {"t::1": Tally(2, 1)}, ())
    tests_of("repo:/other", most=3).save(BASE, {"t::2": Tally(2, 1)}, ())
    time.sleep(0.01)
    tests_of(most=3).save(BASE, {"t::4": Tally(2, 1)}, ())
    assert tests_of().load([f"t::{number}" for number in range(5)]).keys() == {"t::1", "t::3", "t::4"}
    assert tests_of("repo:/other").load(["t::2"])


def test_old_runs_weigh_less_than_new_ones(tests_of: Callable[..., SqlFlakyTests]) -> None:
    tests_of().save(BASE, {"t::a": Tally(MOST_COUNTED, 500)}, ())
    tests_of().save(BASE, {}, {"t::a"})
    assert (tests_of().load(["t::a"])["t::a"].runs, tests_of().load(["t::a"])["t::a"].failures) == (500, 250)


def test_trials_at_the_same_time_lose_nothing(tests_of: Callable[..., SqlFlakyTests]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tests_of().save(BASE, {"t::a": Tally(2, 1)}, ()), range(12)))
    assert (tests_of().load(["t::a"])["t::a"].runs, tests_of().load(["t::a"])["t::a"].failures) == (24, 12)


def test_where_nothing_wavered_nothing_is_made(tmp_path: Path, notes: Notes) -> None:
    kept = SqlFlakyTests(tmp_path / "state", "repo:/r", notes.append)
    kept.save(BASE, {}, {"t::a"})
    assert (kept.load(["t::a"]), list(tmp_path.iterdir()), notes) == ({}, [], [])


@pytest.mark.parametrize("damage", ["UPDATE flaky_tests SET runs = 'many'", "UPDATE flaky_tests SET runs = -1", "DROP TABLE flaky_tests"])
def test_a_damaged_record_is_said_and_stops_nobody(damage: str, tmp_path: Path, notes: Notes) -> None:
    kept = SqlFlakyTests(tmp_path / "state", "repo:/r", notes.append)
    kept.save(BASE, {"t::a": Tally(2, 1)}, ())
    with Database(tmp_path / "state").writing() as transaction:
        transaction.connection.exec_driver_sql(damage)
    assert kept.load(["t::a"]) == {}
    kept.save(BASE, {"t::a": Tally(2, 1)}, ())
    assert [note.partition(": ")[0] for note in notes] == [
        "what is known of flaky tests cannot be read",
        "what the trial saw of flaky tests cannot be kept",
    ]


def test_a_locked_record_is_said_after_its_patience(tmp_path: Path, notes: Notes) -> None:
    kept = SqlFlakyTests(tmp_path / "state", "repo:/r", notes.append, patience=0.1)
    kept.save(BASE, {"t::a": Tally(2, 1)}, ())
    other = sqlite3.connect(tmp_path / "state/state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    kept.save(BASE, {"t::a": Tally(2, 1)}, ())
    assert kept.load(["t::a"])["t::a"].runs == 2
    other.close()
    assert len(notes) == 1
    assert "locked by another process" in notes[0]


def test_fifty_thousand_tests_are_read_and_counted_in_seconds(tmp_path: Path, notes: Notes) -> None:
    kept, ids = SqlFlakyTests(tmp_path / "state", "repo:/r", notes.append), [f"tests/test_{n}.py::test" for n in range(50_000)]
    kept.save(BASE, dict.fromkeys(ids, Tally(2, 1)), ())
    began = time.monotonic()
    kept.save(BASE, {}, ids)
    assert kept.load(ids[-1:])[ids[-1]].runs == 3
    assert (time.monotonic() - began, notes) < (10, [])
