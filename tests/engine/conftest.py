"""Crews, and databases without anything of the tests before."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.store.engine_database import SCHEMA
from testing.crews import Crew, Nursery
from testing.postgres import Cluster


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def crew(tmp_path: Path, any_database: str, nursery: Nursery, request: pytest.FixtureRequest) -> Iterator[Crew]:
    """Processes with one state folder; tests that ask for it run with SQLite and with Postgres."""
    if any_database == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        cluster.run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", os.environ["SEATRIAL_DATABASE"].partition("@/")[2].partition("?")[0])
    with Crew(tmp_path, nursery) as made:
        yield made
