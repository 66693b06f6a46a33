"""The gates' ledger on real databases, used by several processes at once."""

import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from runner.errors import StoreUnavailable
from runner.ports import Entry
from runner.store.database import Database
from runner.store.ledger import SqlLedger, SqlMoment
from testing.at_once import at_once

ROOT = Path(__file__).parents[2]
LONG = "".join(sha256(str(number).encode()).hexdigest() for number in range(200))
"""Too long for an index of Postgres, however well it packs."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def ledger(state: Path, any_database: str) -> SqlLedger:
    return SqlLedger(state, patience=0.2)


def test_a_moment_is_read_back_in_order_with_the_time_at_which_it_was_written(ledger: SqlLedger) -> None:
    before = time.time() - 0.01
    with ledger.writing() as moment:
        first = moment.append("rate", "main", "charge", run="r1", body={"b": 1, "a": [1.5]})
        moment.append("rate", "main", "note")
        moment.append("rate", "other", "charge", run="r1")
        now = moment.now
    assert before < now < time.time() + 0.01
    with ledger.reading() as view:
        assert first == Entry(1, now, "charge", "r1", {"a": [1.5], "b": 1})
        assert view.entries("rate", "main") == (first, Entry(2, now, "note", "", {}))
        assert view.entries("rate", "main", kind="note") == view.entries("rate", "main", after=1)
        assert view.entries("rate", "main", since=now) == ()
        assert view.find("rate", "main", "charge", "r1") == first
        assert view.keys("rate") == ("main", "other")


def test_a_run_has_one_entry_of_a_kind_however_often_it_is_written(ledger: SqlLedger) -> None:
    with ledger.writing() as moment:
        moment.append("rate", "main", "charge", run="r1")
        assert moment.append("rate", "main", "charge", run="r1", body={"again": True}) is None
    with ledger.writing() as moment:
        assert moment.append("rate", "main", "charge", run="r1") is None
        assert moment.append("rate", "main", "outcome", run="r1") is not None
        assert [moment.append("rate", "main", "note") is None for _ in range(2)] == [False, False]


@pytest.mark.parametrize("body", ["{", "[]", "1", "[" * 100_000, ""])
def test_an_entry_that_was_damaged_is_said_and_nothing_is_judged_by_it(body: str, ledger: SqlLedger, state: Path) -> None:
    with ledger.writing() as moment:
        moment.append("rate", "main", "charge", run="r1")
    with Database(state).writing() as transaction:
        transaction.connection.exec_driver_sql(f"UPDATE gate_log SET body = '{body}'")
    with pytest.raises(StoreUnavailable, match="entry 1 of the gate rate"), ledger.reading() as view:
        view.entries("rate", "main")


def test_of_a_moment_that_fails_nothing_stays(ledger: SqlLedger, state: Path) -> None:
    with ledger.writing() as moment:
        moment.append("rate", "main", "charge", run="r0")

    def failing() -> None:
        with ledger.writing() as moment:
            moment.append("rate", "main", "charge", run="r1")
            moment.keep("rate", "main", 1, "x")
            moment.audit("rate.charged", "main", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    with ledger.reading() as view:
        assert [entry.run for entry in view.entries("rate", "main")] == ["r0"]
        assert view.state("rate", "main") is None
    assert not (state / "audit.checkpoints").exists()


def test_what_a_log_folds_to_is_kept_and_replaced(ledger: SqlLedger) -> None:
    with ledger.writing() as moment:
        moment.keep("breaker", "host", 3, "closed")
        moment.keep("breaker", "host", 2**40, "open")
    with ledger.reading() as view:
        assert view.state("breaker", "host") == (2**40, "open")
        assert view.keys("breaker") == ("host",)


def test_what_is_forgotten_is_gone_and_its_numbers_are_never_given_again(ledger: SqlLedger) -> None:
    with ledger.writing() as moment:
        moment.append("rate", "main", "charge")
        moment.append("rate", "other", "charge")
        moment.forget("rate", "main", moment.now + 1)
        moment.forget("rate", "other", moment.now)
        assert (moment.entries("rate", "main"), len(moment.entries("rate", "other"))) == ((), 1)
        moment.forget("rate", "other", moment.now + 1)
    with ledger.writing() as moment:
        after = moment.append("rate", "main", "charge")
        assert after is not None
        assert after.seq == 3


@pytest.mark.parametrize("made", [False, True])
def test_reading_where_nothing_was_recorded_is_empty_and_makes_nothing(ledger: SqlLedger, state: Path, made: bool) -> None:
    if made:
        state.mkdir(mode=0o700)
        (state / "state.db").touch()
    before = time.time()
    with ledger.reading() as view:
        assert before - 0.1 <= view.now <= time.time() + 0.1
        assert (view.entries("rate", "main"), view.keys("rate"), view.state("rate", "x"), view.find("a", "b", "c", "d")) == (
            (),
            (),
            None,
            None,
        )
    assert state.exists() == made
    assert not made or (state / "state.db").stat().st_size == 0


@pytest.mark.parametrize("recorded", [False, True])
def test_writing_to_a_view_is_a_bug_that_is_said(ledger: SqlLedger, recorded: bool) -> None:
    if recorded:
        with ledger.writing():
            pass
    with ledger.reading() as view:
        for write in (
            lambda: view.append("rate", "main", "charge"),
            lambda: view.keep("rate", "main", 1, ""),
            lambda: view.forget("rate", "main", 1.0),
            lambda: view.audit("x", "y", {}),
        ):
            with pytest.raises(RuntimeError, match="only be read"):
                write()


def test_a_view_cannot_write_even_by_a_bug(ledger: SqlLedger, state: Path) -> None:
    with ledger.writing():
        pass
    with pytest.raises(StoreUnavailable), Database(state).reading() as transaction:
        transaction.connection.exec_driver_sql("DELETE FROM audit")


def test_a_view_stays_as_it_was_while_others_write(ledger: SqlLedger, state: Path) -> None:
    with ledger.writing() as moment:
        moment.append("rate", "main", "charge")
    with ledger.reading() as view:
        with SqlLedger(state).writing() as moment:
            moment.append("rate", "main", "charge")
        assert len(view.entries("rate", "main")) == 1


@pytest.mark.parametrize(
    "name", [LONG, "k" * 5000, "nul\0byte", "lone\udce9surrogate", "ünïcödé" * 100, "'; DROP TABLE audit; --", "", "%_"], ids=range(8)
)
def test_any_name_can_be_a_key(ledger: SqlLedger, name: str) -> None:
    with ledger.writing() as moment:
        moment.append("rate", name, "charge", run=name)
        moment.append("rate", name + "x", "charge", run="other")
        moment.keep("rate", name, 1, "s")
        moment.audit("rate.charged", name, {"name": name})
    with ledger.writing() as moment:
        assert not name or moment.append("rate", name, "charge", run=name) is None
        assert [len(moment.entries("rate", key)) for key in (name, *moment.keys("rate"))] == [1, 1, 1]
        assert moment.state("rate", name) == (1, "s")


def _entry_at(state: Path, at: float) -> None:
    with Database(state).writing() as transaction:
        transaction.connection.exec_driver_sql(
            f"INSERT INTO gate_log (gate, key, kind, run, at, body) VALUES ('x', 'x', 'x', '', {at}, '{{}}')"
        )


def test_time_stands_still_while_the_clock_is_behind_the_newest_entry(ledger: SqlLedger, state: Path) -> None:
    with ledger.writing() as moment:
        ahead = moment.now + 600.0
    _entry_at(state, ahead)
    with ledger.writing() as moment:
        assert moment.now == ahead
    with ledger.reading() as view:
        assert view.now == ahead


def test_an_entry_of_a_far_future_does_not_stop_time(ledger: SqlLedger, state: Path) -> None:
    with ledger.writing() as moment:
        _now = moment.now
    _entry_at(state, _now + 86400.0)
    before = time.time()
    with ledger.writing() as moment:
        assert before - 0.1 <= moment.now <= time.time() + 0.1


_COUNTING = """
import sys
from pathlib import Path
from runner.store.ledger import SqlLedger
ledger = SqlLedger(Path(sys.argv[1]))
admitted = 0
for number in range(int(sys.argv[3])):
    with ledger.writing() as moment:
        if len(moment.entries("rate", "main")) < 20:
            moment.append("rate", "main", "charge", run=f"{sys.argv[2]}-{number}")
            admitted += 1
        seen = moment.now
        assert all(entry.at <= seen for entry in moment.entries("rate", "main"))
print(admitted)
"""


def test_processes_that_count_then_insert_at_once_never_pass_the_limit(state: Path, any_database: str) -> None:
    said = at_once(_COUNTING, [(state, letter, 12) for letter in "abcdef"])
    assert sum(int(text) for text in said) == 20
    with SqlLedger(state).reading() as view:
        assert len(view.entries("rate", "main")) == 20
        times = [entry.at for entry in view.entries("rate", "main")]
        assert times == sorted(times)


_WAITING = """
import sys
from pathlib import Path
from runner.store.ledger import SqlLedger
ledger = SqlLedger(Path(sys.argv[1]))
with ledger.reading():
    pass
print("asking", flush=True)
with ledger.writing() as moment:
    print(moment.now, len(moment.entries("rate", "main")))
"""


def test_time_and_log_are_read_after_the_lock_was_had(ledger: SqlLedger, state: Path) -> None:
    with ledger.writing():
        pass
    with Database(state).writing() as holding:
        waiting = subprocess.Popen([sys.executable, "-c", _WAITING, state], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "asking\n"
        time.sleep(0.3)
        assert waiting.poll() is None
        SqlMoment(holding, writable=True).append("rate", "main", "charge")
        released = time.time()
    now, entries = waiting.communicate(timeout=30)[0].split()
    assert float(now) >= released - 0.05
    assert entries == "1"


def test_a_ledger_that_somebody_keeps_locked_is_a_clear_error(ledger: SqlLedger, state: Path) -> None:
    with ledger.writing():
        pass
    with Database(state).writing(), pytest.raises(StoreUnavailable, match="locked by another process"), ledger.writing():
        pass
