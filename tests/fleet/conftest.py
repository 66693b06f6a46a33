"""A Postgres server that tests may stop and start, and fleets on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.fleets import Fleet
from testing.postgres import Cluster, a_cluster


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Cluster]:
    """A server of these tests alone."""
    with a_cluster() as cluster:
        yield cluster


@pytest.fixture
def fleet(tmp_path: Path, own_postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """No process yet; all of them will share one new database."""
    monkeypatch.setenv("SEATRIAL_DATABASE", own_postgres.fresh())
    made = Fleet(tmp_path)
    yield made
    made.close()
