"""What the engine's database must be for its counts to hold with several processes, and for others to stay out."""

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import exc, text

from runner.errors import StoreUnavailable
from runner.store import postgres
from runner.store.engine_database import PATIENCE, EngineDatabase

ROOT = Path(__file__).parents[2]


def test_every_transaction_has_the_write_lock_from_its_start(tmp_path: Path) -> None:
    database = EngineDatabase(tmp_path)
    with database.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1  # no write yet
        other = sqlite3.connect(tmp_path / "engine.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()
    database.close()


def test_what_is_committed_is_on_disk_and_readers_wait_for_nobody(tmp_path: Path) -> None:
    database = EngineDatabase(tmp_path)
    with database.engine.begin() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == dict.fromkeys(
        ("engine.db", "engine.db-wal", "engine.db-shm"), 0o600
    )
    database.close()


def test_three_processes_that_count_and_then_claim_claim_no_more_than_there_is(tmp_path: Path) -> None:
    database = EngineDatabase(tmp_path)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE claims (who INTEGER)"))
    code = (
        "import os, sys, time; from pathlib import Path; from sqlalchemy import text; from runner.store.engine_database import EngineDatabase\n"
        "engine = EngineDatabase(Path(sys.argv[1])).engine\n"
        "sys.stdin.readline()\n"
        "for _ in range(12):\n"
        "    with engine.begin() as connection:\n"
        "        if connection.execute(text('SELECT count(*) FROM claims')).scalar_one() < 10:\n"
        "            time.sleep(0.002)\n"
        "            connection.execute(text('INSERT INTO claims VALUES (:who)'), {'who': os.getpid()})\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT, stdin=subprocess.PIPE) for _ in range(3)]
    for worker in workers:
        worker.stdin.write(b"\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
    for worker in workers:
        worker.communicate(timeout=60)
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    with database.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM claims")).scalar_one() == 10
    database.close()


@pytest.mark.postgres
def test_a_postgres_database_is_the_one_that_has_the_record(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    database = EngineDatabase(tmp_path)
    with database.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT current_database()").scalar_one() in postgres_url
    database.close()
    assert list(tmp_path.iterdir()) == []
    assert "host" not in f"{database.engine.url}"  # whoever prints it prints no address


@pytest.mark.postgres
def test_a_process_that_stopped_within_a_transaction_gives_up_its_rows_before_the_others_patience_ends(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert postgres._IDLE_SECONDS < PATIENCE / 1.2
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    monkeypatch.setattr(postgres, "_IDLE_SECONDS", 0.3)
    stopped, other = EngineDatabase(tmp_path), EngineDatabase(tmp_path)
    with stopped.engine.begin() as connection:
        connection.execute(text("CREATE TABLE claims (who INTEGER)"))
        connection.execute(text("INSERT INTO claims VALUES (1)"))
    with stopped.engine.connect() as connection:
        connection.execute(text("UPDATE claims SET who = 2"))
        with other.engine.begin() as second:
            assert second.execute(text("UPDATE claims SET who = 3 WHERE who = 1")).rowcount == 1
        with pytest.raises(StoreUnavailable, match=r"stood still|broke off"), stopped.translated():
            connection.execute(text("SELECT 1"))
    stopped.close()
    other.close()


def test_what_the_driver_says_becomes_a_sentence(tmp_path: Path) -> None:
    database = EngineDatabase(tmp_path)
    with (
        pytest.raises(StoreUnavailable, match="is damaged: a table is gone") as problem,
        database.translated(),
        database.engine.begin() as connection,
    ):
        connection.execute(text("SELECT * FROM nowhere"))
    assert isinstance(problem.value.__cause__, exc.OperationalError)
    database.close()


def test_a_folder_that_cannot_be_named_in_an_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="has a '\\?' in its name") as problem:
        _ = EngineDatabase(tmp_path / "what?").engine
    assert problem.value.hint
