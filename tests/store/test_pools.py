"""Connections that a process keeps: shared by all that use one database, closed by the last, and never a hindrance to who has none."""

import gc
import os
from pathlib import Path

import pytest

from runner.store.audit import AuditLog
from runner.store.database import Database
from testing.postgres import Cluster

pytestmark = pytest.mark.postgres


@pytest.fixture
def name(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    return postgres_url.partition("@/")[2].partition("?")[0]


def write(database: Database) -> int:
    with database.writing() as transaction:
        transaction.audit("x", "y", {})
        return int(transaction.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def connected(postgres: Cluster, name: str) -> int:
    (row,) = postgres.run(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")
    return int(row[0])


def test_all_that_use_a_database_have_one_connection_and_the_last_closes_it(tmp_path: Path, name: str, postgres: Cluster) -> None:
    first, second = Database(tmp_path), Database(tmp_path / "other")
    assert len({write(first), write(second), write(first)}) == 1
    assert connected(postgres, name) == 1
    first.close()
    first.close()
    assert connected(postgres, name) == 1
    write(second)
    second.close()
    assert connected(postgres, name) == 0
    write(first)  # a later use opens it again
    first.close()


def test_whoever_forgets_to_close_gives_back_when_it_is_gone(tmp_path: Path, name: str, postgres: Cluster) -> None:
    write(Database(tmp_path))
    gc.collect()
    assert connected(postgres, name) == 0


def test_a_connection_that_broke_meanwhile_is_replaced_and_nothing_is_said(tmp_path: Path, name: str, postgres: Cluster) -> None:
    database = Database(tmp_path)
    kept = write(database)
    postgres.run(f"SELECT pg_terminate_backend({kept})")
    assert write(database) != kept
    assert AuditLog(tmp_path).verify().entries == 2
    database.close()


def test_a_forked_process_does_not_use_the_connections_of_its_parent(tmp_path: Path, name: str) -> None:
    database = Database(tmp_path)
    kept = write(database)
    child = os.fork()
    if child == 0:
        os._exit(0 if write(database) != kept else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert write(database) == kept
    assert AuditLog(tmp_path).verify().entries == 3
    database.close()
