"""The audit log: whatever is done to it behind our back is found."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.store import chain
from runner.store.audit import AuditLog
from runner.store.chain import COLUMNS, canonical, seal
from runner.store.checkpoints import Checkpoint
from runner.store.database import Database
from testing.at_once import at_once

ROOT = Path(__file__).parents[2]


@pytest.fixture
def state(tmp_path: Path, any_database: str) -> Path:
    (tmp_path / "state").mkdir(mode=0o700)
    return tmp_path / "state"


@pytest.fixture
def log(state: Path) -> AuditLog:
    """Twelve entries of six commits."""
    write(state, 6)
    return AuditLog(state)


def write(state: Path, commits: int, word: str = "x") -> None:
    database = Database(state)
    for number in range(commits):
        with database.writing() as transaction:
            transaction.audit("thing.began", f"{word}{number}", {"z": 1, "a": ["ü", None, 1.5]})
            transaction.audit("thing.ended", f"{word}{number}", {})


def tamper(state: Path, *statements: str) -> None:
    with Database(state).writing() as transaction:
        for statement in statements:
            transaction.connection.exec_driver_sql(statement)


def restamp(state: Path, first: int, last: int = 99) -> None:
    """What a forger does who knows how it works: every hash from there on is right again."""
    with Database(state).writing() as transaction:
        connection = transaction.connection
        for row in connection.exec_driver_sql(f"SELECT * FROM audit WHERE seq BETWEEN {first} AND {last} ORDER BY seq").mappings().all():
            before = connection.exec_driver_sql(f"SELECT hash FROM audit WHERE seq = {row['seq'] - 1}").scalar_one_or_none() or chain.FIRST
            sealed = seal(*(row[name] for name in COLUMNS[:-2]), before)
            connection.exec_driver_sql(f"UPDATE audit SET previous = '{before}', hash = '{sealed}' WHERE seq = {row['seq']}")


def forget_checkpoints(state: Path) -> None:
    for file in state.glob("*.checkpoints"):
        file.unlink()


def test_a_log_that_nobody_touched_is_whole(log: AuditLog, state: Path) -> None:
    found = log.verify()
    assert (found.entries, found.checkpoints, found.flaw) == (12, 6, None)
    assert found.newest == log.head()
    newest = log.newest(2)
    assert [(entry.seq, entry.kind, entry.subject, entry.body) for entry in newest] == [
        (12, "thing.ended", "x5", {}),
        (11, "thing.began", "x5", {"a": ["ü", None, 1.5], "z": 1}),
    ]
    assert newest[0].previous == newest[1].hash
    assert [entry.seq for entry in log.newest(9, kind="thing.began", subject="x3")] == [7]


def test_nothing_recorded_is_whole_and_makes_nothing(state: Path) -> None:
    log = AuditLog(state)
    assert log.verify() == (0, 0, None, None)
    assert (log.head(), log.newest(5)) == (None, ())
    assert list(state.iterdir()) == []


EDITS = {
    "at": "at + 0.001",
    "host": "'other'",
    "kind": "'thing.else'",
    "subject": "subject || ' '",
    "body": '\'{"ending":"accepted"}\'',
    "previous": f"'{'1' * 64}'",
    "hash": f"'{'1' * 64}'",
}


@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("seq", [1, 6, 12])
def test_an_edit_of_any_field_is_found_where_it_is(log: AuditLog, state: Path, column: str, seq: int) -> None:
    tamper(state, f"UPDATE audit SET {column} = {EDITS[column]} WHERE seq = {seq}")
    found = log.verify()
    assert found.flaw is not None
    assert (found.flaw.seq, found.entries) == (seq, seq - 1)
    assert "edited" in found.flaw.what


def test_a_body_that_says_the_same_in_other_bytes_was_edited(log: AuditLog, state: Path) -> None:
    tamper(state, "UPDATE audit SET body = '{ }' WHERE seq = 2")
    assert _first_flaw(log) == 2


def test_an_entry_that_got_another_number_is_found(log: AuditLog, state: Path) -> None:
    tamper(state, "UPDATE audit SET seq = 13 WHERE seq = 12")
    assert _first_flaw(log) == 12
    tamper(state, "UPDATE audit SET seq = 12 WHERE seq = 13", "UPDATE audit SET seq = -1 WHERE seq = 1")
    assert _first_flaw(log) == 1


@pytest.mark.parametrize(("one", "other"), [(1, 2), (4, 5), (3, 9), (11, 12)])
def test_two_rows_that_changed_places_are_found(log: AuditLog, state: Path, one: int, other: int) -> None:
    swap = (f"SET seq = -99 WHERE seq = {one}", f"SET seq = {one} WHERE seq = {other}", f"SET seq = {other} WHERE seq = -99")
    tamper(state, *(f"UPDATE audit {step}" for step in swap))
    assert _first_flaw(log) == one


@pytest.mark.parametrize("seq", [1, 5, 11])
def test_a_deleted_entry_is_found_even_when_the_others_move_up(log: AuditLog, state: Path, seq: int) -> None:
    tamper(state, f"DELETE FROM audit WHERE seq = {seq}")
    found = log.verify().flaw
    assert found is not None
    assert (found.seq, f"entry {seq} is missing" in found.what) == (seq, True)
    for later in range(seq + 1, 13):
        tamper(state, f"UPDATE audit SET seq = {later - 1} WHERE seq = {later}")
    assert _first_flaw(log) == seq


@pytest.mark.parametrize("kept", [0, 1, 11])
def test_a_tail_that_was_cut_off_is_found_by_the_checkpoints(log: AuditLog, state: Path, kept: int) -> None:
    tamper(state, f"DELETE FROM audit WHERE seq > {kept}")
    found = log.verify()
    assert found.flaw is not None
    assert (found.entries, found.flaw.seq, "the log ends before it" in found.flaw.what) == (kept, kept + 1, True)


def test_the_whole_table_or_database_gone_is_found(log: AuditLog, state: Path, any_database: str) -> None:
    tamper(state, "DROP TABLE audit")
    assert _first_flaw(log) == 1
    if any_database == "sqlite":
        for file in state.glob("state.db*"):
            file.unlink()
        assert _first_flaw(AuditLog(state)) == 1


def test_a_table_that_is_gone_is_found_without_any_checkpoint(log: AuditLog, state: Path) -> None:
    tamper(state, "DROP TABLE audit")
    forget_checkpoints(state)
    assert _first_flaw(log) == 1


@pytest.mark.parametrize("number", ["{last}", "NULL", "'\x1b[2J'"])
def test_a_row_beside_the_chain_is_found_and_listed_without_harm(
    number: str, log: AuditLog, state: Path, any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if any_database == "postgres":
        if "2J" in number:
            pytest.skip("a column of numbers holds nothing else there")
        tamper(state, "ALTER TABLE audit DROP CONSTRAINT audit_pkey", "ALTER TABLE audit ALTER seq DROP NOT NULL")
    else:
        tamper(state, "CREATE TABLE other AS SELECT * FROM audit", "DROP TABLE audit", "ALTER TABLE other RENAME TO audit")
    monkeypatch.setattr(chain, "_CHUNK", 6)
    names = ", ".join(COLUMNS[1:])
    tamper(state, f"INSERT INTO audit (seq, {names}) SELECT {number.format(last=6)}, {names} FROM audit WHERE seq = 6")
    assert log.verify().flaw is not None
    assert all(isinstance(entry.seq, int) for entry in log.newest(20))


def test_an_entry_that_was_put_in_is_found(log: AuditLog, state: Path) -> None:
    values = ", ".join(f"'{text}'" for text in ("h", "k", "s", "{}", log.newest(1)[0].hash, "2" * 64))
    tamper(state, f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES (13, 1.0, {values})")
    assert _first_flaw(log) == 13
    tamper(state, "UPDATE audit SET seq = 0 WHERE seq = 13")
    assert _first_flaw(log) == 1


@pytest.mark.parametrize("first", [1, 5, 12])
def test_a_tail_that_was_edited_and_stamped_anew_is_found_by_the_checkpoints(log: AuditLog, state: Path, first: int) -> None:
    tamper(state, f"UPDATE audit SET subject = 'forged' WHERE seq = {first}")
    restamp(state, first)
    found = log.verify().flaw
    assert found is not None
    assert found.seq in (first, first + 1)  # a checkpoint is one per commit, and a commit had two entries
    assert "a checkpoint knows" in found.what
    forget_checkpoints(state)
    assert log.verify().flaw is None  # and this is what a chain alone cannot see


def test_an_entry_that_was_edited_and_stamped_anew_by_itself_breaks_the_next(log: AuditLog, state: Path) -> None:
    tamper(state, "UPDATE audit SET subject = 'forged' WHERE seq = 5")
    restamp(state, 5, 5)
    forget_checkpoints(state)
    found = log.verify().flaw
    assert found is not None
    assert (found.seq, "does not follow the one before it" in found.what) == (6, True)


def test_a_log_cut_off_and_carried_on_is_found_by_the_checkpoints(log: AuditLog, state: Path) -> None:
    tamper(state, "DELETE FROM audit WHERE seq > 4")
    write(state, 6, "forged")
    assert log.verify().entries == 5
    assert _first_flaw(log) == 6


def test_a_checkpoint_kept_elsewhere_finds_what_our_own_no_longer_can(log: AuditLog, state: Path) -> None:
    kept = log.head()
    assert kept is not None
    tamper(state, "UPDATE audit SET subject = 'forged' WHERE seq = 3")
    restamp(state, 3)
    forget_checkpoints(state)
    assert log.verify().flaw is None
    assert _first_flaw(log, kept) == 12
    write(state, 1)
    assert _first_flaw(log, kept) == 12


def test_the_first_of_several_flaws_is_told(log: AuditLog, state: Path) -> None:
    tamper(state, "DELETE FROM audit WHERE seq > 10", "DELETE FROM audit WHERE seq = 7", "UPDATE audit SET host = 'x' WHERE seq = 3")
    assert _first_flaw(log) == 3


def test_values_of_a_foreign_type_are_found_not_a_crash(log: AuditLog, state: Path, any_database: str) -> None:
    if any_database == "postgres":
        tamper(state, "UPDATE audit SET at = 'NaN' WHERE seq = 5")
        assert _first_flaw(log) == 5
        tamper(state, "ALTER TABLE audit ALTER body DROP NOT NULL", "UPDATE audit SET body = NULL WHERE seq = 4")
        assert _first_flaw(log) == 4
        return
    for seq, value in ((9, "body = x'ff'"), (8, "at = 'noon'"), (7, "at = x'00'"), (6, "at = 9e999"), (5, "kind = CAST(x'fffe' AS TEXT)")):
        tamper(state, f"UPDATE audit SET {value} WHERE seq = {seq}")
        assert _first_flaw(log) == seq
    write(state, 1)  # a run must still be able to end
    assert _first_flaw(log) == 5


def test_what_is_no_json_is_listed_as_it_is(log: AuditLog, state: Path) -> None:
    tamper(state, "UPDATE audit SET body = '[broken' WHERE seq = 12", "UPDATE audit SET body = '[1]' WHERE seq = 11")
    assert [entry.body for entry in log.newest(2)] == [{"unreadable": "[broken"}, {"unreadable": "[1]"}]


_KILLED = """
import os, sys
from pathlib import Path
from runner.store.checkpoints import Checkpoints
from runner.store.database import Database
database = Database(Path(sys.argv[1]))
Checkpoints.keep = lambda self, checkpoint: os.kill(os.getpid(), 9)
with database.writing() as transaction:
    transaction.audit("thing.began", "last", {})
"""


def test_a_process_killed_between_commit_and_checkpoint_raises_no_alarm(log: AuditLog, state: Path) -> None:
    assert subprocess.run([sys.executable, "-c", _KILLED, state], cwd=ROOT, check=False).returncode == -signal.SIGKILL
    found = log.verify()
    assert (found.entries, found.checkpoints, found.flaw) == (13, 6, None)
    write(state, 1)
    assert log.verify()[:2] == (15, 7)


_WRITING = """
import sys
from pathlib import Path
from runner.store.database import Database
database = Database(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    with database.writing() as transaction:
        for kind in ("a", "b"):
            transaction.audit(kind, f"{sys.argv[2]}{number}", {"n": number})
"""


def test_eight_processes_at_once_leave_one_unbroken_chain_with_every_entry(state: Path) -> None:
    at_once(_WRITING, [(state, letter, 6) for letter in "abcdefgh"])
    log = AuditLog(state)
    found = log.verify()
    assert (found.entries, found.checkpoints, found.flaw) == (96, 48, None)
    subjects = [entry.subject for entry in log.newest(96, kind="a")]
    assert sorted(subjects) == sorted(f"{letter}{number}" for letter in "abcdefgh" for number in range(6))
    times = [entry.at for entry in log.newest(96)]
    assert times == sorted(times, reverse=True)


def test_the_body_is_written_one_way_only() -> None:
    assert canonical({"b": 1, "a": "ü\udcff\0"}) == canonical({"a": "ü\udcff\0", "b": 1}) == '{"a":"\\u00fc\\udcff\\u0000","b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": float("nan")})


def test_no_two_entries_share_their_sealed_text() -> None:
    usual: tuple[Any, ...] = (1, 2.0, "h", "k", "s", "{}", "p")
    others = [(*usual[:place], value, *usual[place + 1 :]) for place, value in enumerate((2, 2.5, "hk", "", "s,", "{} ", "pp"))]
    assert len({seal(*entry) for entry in (usual, *others, (1, 2.0, "hk", "", "s", "{}", "p"))}) == 9


def test_a_checkpoint_file_that_cannot_be_written_costs_no_commit(log: AuditLog, state: Path) -> None:
    forget_checkpoints(state)
    for name in {path.name for path in state.iterdir()} | {Database(state).server.checkpoints}:
        if name.endswith(".checkpoints"):
            (state / name).mkdir()
    write(state, 1)
    with Database(state).reading() as transaction:
        assert transaction is not None
        assert chain.verify(transaction.connection, ()).entries == 14


def _first_flaw(log: AuditLog, *known: Checkpoint) -> int:
    found = log.verify(known)
    assert found.flaw is not None, "nothing was found"
    return found.flaw.seq
