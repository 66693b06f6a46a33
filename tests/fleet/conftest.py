"""A Postgres server that tests may stop and start, and fleets on it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.fleets import Fleet
from testing.postgres import Cluster


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Cluster]:
    """A server of these tests alone."""
    folder = Path(tempfile.mkdtemp(prefix="seatrial-pg-", dir="/tmp"))
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fleet(tmp_path: Path, own_postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """No process yet; all of them will share one new database."""
    monkeypatch.setenv("SEATRIAL_DATABASE", own_postgres.fresh())
    made = Fleet(tmp_path)
    yield made
    made.close()
