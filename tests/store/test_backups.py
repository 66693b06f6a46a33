"""The record of the vault on real databases."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import update

from runner.errors import StoreUnavailable, UsageError
from runner.ports import Backup, BackupRecord
from runner.store.audit import AuditLog
from runner.store.backups import SqlBackups
from runner.store.database import Database
from runner.store.schema import backups as table

A, B, C = ("a" * 64, "ab" * 32, "c" * 64)


@pytest.fixture
def state(tmp_path: Path, any_database: str) -> Path:
    return tmp_path / "state"


@pytest.fixture
def backups(state: Path) -> SqlBackups:
    return SqlBackups(state, patience=0.2)


def made(backups: SqlBackups, name: str = A, target: str = "dir:/a", run: str = "r1") -> None:
    backups.made(target, run, Backup(name, 3, 1000, 500))


def nothing(_records: Sequence[BackupRecord], _now: float) -> frozenset[tuple[str, str]]:
    return frozenset()


def audited(state: Path) -> list[tuple[str, str]]:
    return [(entry.kind, entry.subject) for entry in reversed(AuditLog(state).newest(100))]


def test_a_backup_is_recorded_with_its_audit_entry_at_one_time(backups: SqlBackups, state: Path) -> None:
    made(backups)
    ((record,), now) = SqlBackups(state).all()
    (entry,) = AuditLog(state).newest(9)
    assert record == BackupRecord(A, "dir:/a", "r1", entry.at, entry.at, 3, 1000, "", None, True)
    assert entry.at <= now
    assert (entry.kind, entry.subject, entry.body) == (
        "backup.made",
        A,
        {"target": "dir:/a", "run": "r1", "files": 3, "size": 1000, "added": 500},
    )


def test_the_same_content_again_is_the_same_backup_made_later(backups: SqlBackups) -> None:
    made(backups)
    backups.pin(A, "because")
    backups.checked(A, "object x is gone")
    (first,) = backups.all()[0]
    made(backups, run="r2")
    (again,) = backups.all()[0]
    assert (again.run, again.made > first.made, again.verified, again.pinned) == ("r2", True, again.made, "because")


def test_the_newest_come_first(backups: SqlBackups) -> None:
    for name in (A, B, C):
        made(backups, name)
    made(backups, A)
    assert [record.id for record in backups.all()[0]] == [A, C, B]
    assert backups.find("latest") == A


def test_a_backup_is_in_use_until_every_run_has_let_go(backups: SqlBackups) -> None:
    made(backups, run="r1"), made(backups, run="r2"), made(backups, run="r2")
    backups.release("r1")
    assert backups.all()[0][0].used
    backups.release("r2")
    backups.release("r3")
    assert not backups.all()[0][0].used


def test_a_damage_is_audited_and_a_good_answer_only_dated(backups: SqlBackups, state: Path) -> None:
    made(backups), made(backups, target="dir:/b")
    backups.checked(A, "")
    backups.checked(A, "object \udcff\0 is gone")
    assert [record.verified for record in backups.all()[0]] == [None, None]
    backups.checked(C, "not here")
    assert audited(state)[2:] == [("backup.verified", A)]
    assert AuditLog(state).newest(1)[0].body == {"problem": "object \\udcff\\x00 is gone"}
    backups.checked(A, "")
    assert all(record.verified for record in backups.all()[0])


def test_a_pin_has_a_reason_and_takes_the_mark_away(backups: SqlBackups, state: Path) -> None:
    made(backups)
    backups.mark(nothing, 0.0)
    backups.pin(A, "before the great migration\0")
    (record,) = backups.all()[0]
    assert (record.pinned, record.marked) == ("before the great migration\\x00", None)
    backups.pin(A, "")
    assert backups.all()[0][0].pinned == ""
    assert audited(state)[1:] == [("backup.pinned", A), ("backup.unpinned", A)]
    with pytest.raises(UsageError, match="no backup"):
        backups.pin(C, "because")


def test_what_is_marked_now_is_due_at_the_earliest_with_the_next_prune(backups: SqlBackups) -> None:
    made(backups)
    assert backups.mark(nothing, 0.0) == ()
    assert [record.id for record in backups.mark(nothing, 0.0)] == [A]
    assert backups.mark(nothing, 3600.0) == ()


def test_a_mark_keeps_its_date_and_goes_when_the_backup_must_stay(backups: SqlBackups) -> None:
    made(backups)
    backups.mark(nothing, 0.0)
    (first,) = backups.all()[0]
    backups.mark(nothing, 0.0)
    assert backups.all()[0] == (first,)
    assert backups.mark(lambda records, _: frozenset((one.id, one.target) for one in records), 0.0) == ()
    assert backups.all()[0][0].marked is None


def test_only_what_is_still_spare_is_forgotten(backups: SqlBackups, state: Path) -> None:
    for name in (A, B, C):
        made(backups, name)
    backups.mark(nothing, 0.0)
    due = backups.mark(nothing, 0.0)
    backups.pin(A, "wait")
    made(backups, B)

    def staying(records: Sequence[BackupRecord], _now: float) -> frozenset[tuple[str, str]]:
        return frozenset((record.id, record.target) for record in records if record.pinned)

    assert [record.id for record in backups.forget(due, staying)] == [C]
    assert {record.id for record in backups.all()[0]} == {A, B}
    assert audited(state)[-1] == ("backup.pruned", C)
    assert backups.forget((), staying) == ()


def test_a_restore_is_audited(backups: SqlBackups, state: Path) -> None:
    backups.restored(A, "/tmp/\udcff", "r1")
    (entry,) = AuditLog(state).newest(1)
    assert (entry.kind, entry.subject, entry.body) == ("backup.restored", A, {"place": "/tmp/\\udcff", "run": "r1"})


def test_a_target_may_be_called_anything(backups: SqlBackups) -> None:
    for target in ("dir:/\udcff", "dir:/" + "x" * 5000, "dir:/\0"):
        made(backups, target=target)
        made(backups, target=target)
    assert len(backups.all()[0]) == 3


@pytest.mark.parametrize("name", ["", "%", "_", "zz", "../x", "a" * 65, "latest ", "ff", "A" * 64])
def test_a_name_that_fits_no_backup_is_a_usage_error(backups: SqlBackups, name: str) -> None:
    made(backups)
    with pytest.raises(UsageError, match="no backup"):
        backups.find(name)


def test_a_prefix_must_fit_one_backup_whatever_the_number_of_its_targets(backups: SqlBackups) -> None:
    made(backups, A), made(backups, A, target="dir:/b"), made(backups, B)
    assert backups.find("aa") == A
    assert backups.find(B) == B
    with pytest.raises(UsageError, match="fits several"):
        backups.find("a")


def test_nothing_recorded_is_no_failure_and_makes_nothing(backups: SqlBackups, state: Path) -> None:
    assert backups.all()[0] == ()
    assert backups.mark(nothing, 0.0) == ()
    backups.release("r1")
    backups.checked(A, "gone")
    with pytest.raises(UsageError, match="no backup yet"):
        backups.find("latest")
    assert not state.exists()


@pytest.mark.postgres
def test_another_state_folder_has_a_vault_of_its_own_in_the_same_database(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    here, there = SqlBackups(tmp_path / "state"), SqlBackups(tmp_path / "other")
    made(here, A), made(there, A), made(there, C)
    assert [record.id for record in here.all()[0]] == [A]
    there.mark(nothing, 0.0)
    assert there.forget(there.mark(nothing, 0.0), nothing)
    assert [(record.id, record.marked) for record in here.all()[0]] == [(A, None)]
    made(there, C)
    with pytest.raises(UsageError, match="in the vault of another machine"):
        here.find("cc")


def test_nothing_is_recorded_when_the_audit_entry_cannot_be(backups: SqlBackups, monkeypatch: pytest.MonkeyPatch) -> None:
    made(backups)

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("runner.store.chain.append", broken)
    with pytest.raises(StoreUnavailable):
        made(backups, C)
    with pytest.raises(StoreUnavailable):
        backups.pin(A, "because")
    monkeypatch.undo()
    assert [(record.id, record.pinned) for record in backups.all()[0]] == [(A, "")]


def test_a_clock_that_is_set_back_makes_nothing_due(backups: SqlBackups, state: Path) -> None:
    made(backups)
    backups.mark(nothing, 0.0)
    with Database(state).writing() as transaction:
        transaction.connection.execute(update(table).values(marked=table.c.marked + 7200.0))
    assert backups.mark(nothing, 0.0) == ()
