"""What Prometheus is told, and what a served process logs."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from runner.api.metrics import Metrics
from runner.model.configuration import Configuration
from runner.model.request import Asked
from runner.model.run import Command
from runner.store.database import Database
from runner.store.places import Places, claim
from runner.store.schema import runs
from runner.wiring import breakers
from runner.wiring.carrying import Stores, stores
from runner.wiring.serving import Service
from testing.landing import until
from testing.served import UNFIT, Served

Samples = Mapping[tuple[str, ...], float]


class Watched:
    """A service without a server, and what its metrics say."""

    def __init__(self, where: Places, kept: Stores) -> None:
        claim(where.state)
        process: Any = SimpleNamespace(where=where)
        self.kept, self.database = kept, Database(where.state)
        self.service = Service(Configuration.model_validate({"seatrial-server": 1}), process, kept)
        self.metrics = Metrics(self.service)

    def tell(self, kind: str, run: str, after: float = 0.0, **body: Any) -> None:
        """Let something happen so many seconds after 1000."""
        with self.database.writing() as transaction:
            transaction.now = 1000.0 + after
            transaction.tell(kind, run, body)

    def runs(self, number: int, **fate: Any) -> None:
        nothing = dict.fromkeys(("change_id", "patch_id", "repository", "base", "policy_digest"), "")
        with self.database.writing() as transaction:
            for count in range(number):
                row = {"id": f"{fate}{count}"[-60:], "started": "2026", "command": "submit", **nothing, **fate}
                transaction.connection.execute(insert(runs).values(**row))

    def samples(self, name: str) -> Samples:
        """Samples of a metric by the values of their labels."""
        text = self.metrics.exposition().decode()
        found = [sample for family in text_string_to_metric_families(text) for sample in family.samples if sample.name == name]
        return {tuple(value for key, value in sorted(sample.labels.items())): sample.value for sample in found}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    where = Places(tmp_path / "cache", tmp_path / "state")
    with stores(where) as kept:
        made = Watched(where, kept)
        yield made
        made.service.close()
        made.database.close()


def test_verdicts_and_rollbacks_and_ends_are_those_of_the_record(watched: Watched) -> None:
    watched.runs(2, state="ended", ending="rolled_back", verdict="accept")
    watched.runs(1, state="ended", ending="rejected", verdict="reject")
    watched.runs(3, state="held", verdict="hold")
    assert watched.samples("seatrial_verdicts") == {("accept",): 2, ("reject",): 1, ("hold",): 3}
    assert watched.samples("seatrial_rollbacks_total") == {(): 2}
    assert watched.samples("seatrial_runs_ended_total") == {("submit", "rolled_back", "accept"): 2, ("submit", "rejected", "reject"): 1}
    assert watched.samples("seatrial_runs") == {("submit", "ended"): 3, ("submit", "held"): 3}


def test_what_waits_and_how_long_is_told_by_what_it_waits_for(watched: Watched) -> None:
    assert watched.samples("seatrial_queue_waiting") == {}
    for run in ("a", "b"):
        watched.kept.requests.queue(Asked(run=run, command=Command.SUBMIT, repo="", target="main", change=b"", author="anne"), by="t")
    with watched.database.writing() as transaction:
        transaction.connection.exec_driver_sql("UPDATE requests SET at = at - 90 WHERE run = 'a'")
    assert watched.samples("seatrial_queue_waiting") == {("target", "main"): 2}
    assert watched.samples("seatrial_queue_lag_seconds")["target", "main"] == pytest.approx(90, abs=5)


def test_stages_are_timed_from_one_event_of_a_run_to_its_next_and_counted_once(watched: Watched) -> None:
    watched.tell("run.stage", "old", 0, stage="trial")
    watched.tell("run.queued", "a", 0)
    watched.tell("run.queued", "b", 1)
    watched.tell("run.began", "a", 5)
    watched.tell("run.stage", "a", 7, stage="validate")
    watched.tell("run.stage", "b", 8, stage="validate")
    watched.tell("run.stage", "a", 37, stage="trial")
    watched.tell("run.ended", "a", 38)
    watched.tell("run.stage", "a", 100, stage="trial")
    for _ in range(2):
        assert watched.samples("seatrial_stage_seconds_sum") == {("trial",): 30, ("validate",): 9}
        assert watched.samples("seatrial_stage_seconds_count") == {("trial",): 1, ("validate",): 2}
        assert watched.samples("seatrial_wait_seconds_sum") == {(): 5}


def test_breakers_are_counted_by_where_they_are_and_nobody_is_named(watched: Watched) -> None:
    state = watched.service.where.state
    breakers.force(state, "author", ("repo:/srv/app", "mallory"), "open", "why", "anne", None)
    breakers.force(state, "promotion", (), "disabled", "why", "anne", None)
    assert watched.samples("seatrial_breakers") == {("author", "forced open"): 1, ("promotion", "disabled"): 1}
    assert b"mallory" not in watched.metrics.exposition()


def test_webhooks_are_counted_by_how_they_are(watched: Watched) -> None:
    for _ in range(2):
        watched.service.webhooks.create("https://hooks.example/", ("run.*",), by="anne")
    watched.tell("run.began", "a")
    watched.service.deliveries.spread()
    with watched.database.writing() as transaction:
        transaction.connection.exec_driver_sql("UPDATE webhooks SET failing = 1 WHERE id = (SELECT min(id) FROM webhooks)")
    assert watched.samples("seatrial_webhooks") == {("failing",): 1, ("fine",): 1}
    assert watched.samples("seatrial_deliveries_pending") == {(): 2}


# ── a served process ─────────────────────────────────────────────────────────────────────────────────────────────────


def lines(served: Served) -> list[dict[str, Any]]:
    """The log, every line of which is JSON."""
    found = [line for line in served.log.read_text("ascii").splitlines(keepends=True) if line.endswith("\n")]
    assert not [line for line in found if not line.startswith("{")]
    return [json.loads(line) for line in found]


def test_what_a_server_says_are_lines_of_json_that_name_the_run(served: Served) -> None:
    run = served.post("/api/v1/runs", {"command": "check", "repo": "app", "patch": UNFIT}, 202)["run"]
    served.over(run)
    about = until(lambda: [line for line in lines(served) if line.get("run") == run and line["logger"] == "runner.serving"], 20)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["at"]) for line in about)
    assert about[0]["level"] == "info"


def test_each_request_is_one_line_and_none_has_a_query_or_a_token(served: Served) -> None:
    served.ask("GET", "/api/v1/runs?target=s3cret-in-query&limit=1")
    served.ask("GET", "/api/v1/runs", token="seatrial_000000000000_s3cret-token")
    requests = until(
        lambda: [line for line in lines(served) if line.get("path") == "/api/v1/runs" and line.get("method") == "GET"][-2:], 20
    )
    assert [line["status"] for line in requests] == [200, 401]
    assert requests[0]["token"] == served.token.split("_")[1]
    assert "token" not in requests[1]
    assert {"milliseconds", "client"} <= set(requests[0])
    text = served.log.read_text()
    assert "s3cret" not in text
    assert served.token not in text


@pytest.mark.parametrize("path", ["/%1b%5b2Jx", "/a%0d%0a{%22level%22:%22fake%22}", "/%e2%80%ae-y", "/%23%23[group]z"])
def test_a_hostile_path_is_a_line_like_any_other(served: Served, path: str) -> None:
    before = len(lines(served))
    served.ask("GET", path)
    until(lambda: len(lines(served)) > before, 20)
    text = served.log.read_text("ascii")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]|##\[", text)
    assert [line["status"] for line in lines(served)[before:] if line["event"] == "request"] == [404]


def test_metrics_are_served_as_prometheus_reads_them(served: Served) -> None:
    text = served.ask("GET", "/metrics").text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"seatrial_runs", "seatrial_verdicts", "seatrial_rollbacks", "seatrial_stage_seconds", "seatrial_queue_lag_seconds"} <= names
    assert not [line for line in lines(served) if line.get("path") == "/metrics"]
