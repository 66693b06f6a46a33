"""What the tests of the client have in common."""

from collections.abc import Iterator

import pytest

from runner.client.address import parse
from runner.client.client import Client
from runner.client.connection import Connection
from testing.clients import Clock, Heard, Scripted, Served


@pytest.fixture(autouse=True)
def no_server_of_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a server, nor a token, nor a CI job of whoever runs the tests."""
    jobs = ("GITHUB_RUN_ID", "CI_JOB_ID", "SYSTEM_JOBID", "BUILDKITE_JOB_ID", "CIRCLE_WORKFLOW_JOB_ID", "BUILD_TAG")
    for name in ("SEATRIAL_SERVER", "SEATRIAL_TOKEN", "SEATRIAL_TOKEN_FILE", *jobs):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(scripted: Scripted, clock: Clock) -> Iterator[Client]:
    """A client of the scripted server, whose waits take no time."""
    made = Client(Connection(parse(scripted.url), "seatrial_1_secret", sleep=clock.sleep, clock=clock))
    yield made
    made.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that carries what it is asked for."""
    server = Served(tmp_path_factory.mktemp("served"))
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that only takes requests: they wait for a worker that never comes."""
    server = Served(tmp_path_factory.mktemp("idle"))
    server.start("--no-work")
    yield server
    server.close()
