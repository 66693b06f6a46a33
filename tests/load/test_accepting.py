"""Many clients at once: each request is taken soon, once, and is there after the server was killed."""

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testing.fleets import Fleet
from testing.postgres import Cluster

CLIENTS = 50
REQUESTS = int(os.environ.get("SEATRIAL_LOAD_REQUESTS", "500"))
SECONDS = float(os.environ.get("SEATRIAL_LOAD_SECONDS", "60"))
KILLS = int(os.environ.get("SEATRIAL_LOAD_KILLS", "50"))
EACH = max(1, REQUESTS // CLIENTS)
"""Requests of one client."""
_SOON = 0.25
"""Seconds that 99 of 100 requests must be taken in."""
_PATIENCE = 600.0
pytestmark = [pytest.mark.long]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        monkeypatch.setenv("SEATRIAL_DATABASE", cluster.fresh())
    made = Fleet(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(made.state("server").parent))
    yield made
    made.close()


class Client:
    """Asks for so many runs, spread over the time; where there is no answer it asks again with the same key."""

    def __init__(self, fleet: Fleet, number: int, seconds: float, go_on: Callable[[], bool] = lambda: False) -> None:
        self.fleet, self.number, self.seconds, self.go_on = fleet, number, seconds, go_on
        self.took: list[float] = []
        self.runs: dict[str, str] = {}
        self.tries = 0
        self.complaints: list[str] = []
        self._chance = random.Random(number)
        self._connection: http.client.HTTPConnection | None = None

    def __call__(self) -> None:
        count = EACH
        began = time.monotonic()
        moments = sorted(self._chance.random() * self.seconds for _ in range(count))
        for number, moment in enumerate(moments):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            self._asked(f"{self.number}-{number}")
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, key: str) -> None:
        body = json.dumps({"target": "own", "edits": [{"path": f"{key}.txt", "content": key}]})
        headers = {"Authorization": f"Bearer {self.fleet.token}", "Content-Type": "application/json", "Idempotency-Key": key}
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            began = time.monotonic()
            self.tries += 1
            try:
                status, said = self._sent(body, headers)
            except (OSError, http.client.HTTPException):
                self._hang_up()
                time.sleep(0.1 + self._chance.random() * 0.3)
                continue
            if status == 202:
                self.took.append(time.monotonic() - began)
                self.runs[key] = json.loads(said)["run"]
                return
            if status not in (409, 429, 503):
                self.complaints.append(f"{status} {said}")
                return
            time.sleep(0.5 + self._chance.random())
        self.complaints.append(f"{key} was never taken")

    def _sent(self, body: str, headers: dict[str, str]) -> tuple[int, str]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.fleet.port, timeout=30)
        self._connection.request("POST", "/api/v1/runs", body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()


def let_them_ask(fleet: Fleet, seconds: float) -> tuple[list[Client], list[threading.Thread]]:
    clients = [Client(fleet, number, seconds) for number in range(CLIENTS)]
    threads = [threading.Thread(target=client, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    return clients, threads


def assert_none_lost_or_doubled(fleet: Fleet, clients: list[Client]) -> None:
    assert not [said for client in clients for said in client.complaints]
    taken = [run for client in clients for run in client.runs.values()]
    assert len(taken) == len(set(taken)) == EACH * CLIENTS
    assert {row[0] for row in fleet.rows("SELECT id FROM runs")} == set(taken)
    log = Counter(row[0] for row in fleet.rows("SELECT subject FROM audit WHERE kind = 'run.queued'"))
    assert log == dict.fromkeys(taken, 1)
    queued = {row[0] for row in fleet.rows("SELECT run FROM requests")}
    assert queued == set(taken)


def test_each_of_many_requests_is_taken_soon_and_once(fleet: Fleet, any_figures: Callable[[str], None]) -> None:
    fleet.serve("--no-work")
    clients, threads = let_them_ask(fleet, SECONDS)
    for thread in threads:
        thread.join()
    assert_none_lost_or_doubled(fleet, clients)
    took = sorted(seconds for client in clients for seconds in client.took)
    p50, p99 = (took[min(len(took) - 1, int(len(took) * share))] for share in (0.5, 0.99))
    any_figures(
        f"{len(took)} requests by {CLIENTS} clients in {SECONDS:g} s: accepted in p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, most {took[-1] * 1000:.0f} ms"
    )
    assert p99 < _SOON


def test_a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(fleet: Fleet, any_figures: Callable[[str], None]) -> None:
    chance = random.Random(KILLS)
    server = fleet.serve("--no-work")
    began = time.monotonic()
    clients, threads = let_them_ask(fleet, KILLS * 3.0)
    for _ in range(KILLS):
        time.sleep(chance.random())
        server.kill()
        server = fleet.serve("--no-work")
    for thread in threads:
        thread.join()
    assert_none_lost_or_doubled(fleet, clients)
    tries = sum(client.tries for client in clients)
    any_figures(f"{KILLS} kills in {time.monotonic() - began:.0f} s: {EACH * CLIENTS} requests by {tries} tries, none lost, none doubled")


@pytest.fixture
def any_figures(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Into the output of the test, and into its report."""

    def tell(line: str) -> None:
        print(f"\n{request.node.callspec.id}: {line}")  # noqa: T201
        record_property("load", line)

    return tell
