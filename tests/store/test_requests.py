"""Requests on real databases: on record as runs that wait, once, and ended when nothing comes of them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import update

from runner.model.request import Asked
from runner.model.run import Command, Run
from runner.store.audit import AuditLog
from runner.store.database import Database
from runner.store.requests import Queued, SqlRequests
from runner.store.runs import SqlRuns
from runner.store.schema import runs as runs_table

RUN = "abc123abc123"


@pytest.fixture
def requests(tmp_path: Path, any_database: str) -> Iterator[SqlRequests]:
    made = SqlRequests(tmp_path / "state", patience=5)
    yield made
    made.close()


@pytest.fixture
def runs(tmp_path: Path, any_database: str) -> Iterator[SqlRuns]:
    made = SqlRuns(tmp_path / "state", patience=5)
    yield made
    made.close()


def asked(run: str = RUN, **more: object) -> Asked:
    return Asked(**{"run": run, "command": Command.SUBMIT, "repo": "", "target": "app", "change": b"\xff diff", "author": "ci", **more})  # type: ignore[arg-type]


def test_what_was_asked_is_a_run_that_waits_and_is_there_once(requests: SqlRequests, runs: SqlRuns) -> None:
    assert requests.queue(asked(), by="t1") is Queued.NEW
    assert requests.queue(asked(), by="t1") is Queued.SAME
    assert requests.queue(asked(change=b"other"), by="t1") is Queued.OTHER
    found = requests.load(RUN)
    assert found is not None
    assert (found.asked, found.joined) == (asked(), "")
    record = runs.show(RUN)
    assert (record.state, record.command, record.target, record.change_id) == ("queued", "submit", "app", "")
    assert requests.waiting() == (RUN,)
    assert requests.load("0" * 12) is None


def test_it_keeps_its_place_in_the_order_when_its_run_begins(requests: SqlRequests, runs: SqlRuns, run_of: Callable[..., Run]) -> None:
    requests.queue(asked(), by="t1")
    requests.queue(asked("b" * 12), by="t1")
    runs.begin(run_of(RUN))
    assert requests.waiting() == ("b" * 12,)
    assert [record.id for record in runs.list()] == ["b" * 12, RUN]
    assert runs.show(RUN).state == "running"
    runs.begin(run_of(RUN))  # in another process, after the first was killed
    assert len(runs.list()) == 2


@pytest.mark.parametrize("way", ["join", "end", "cancel"])
def test_what_nothing_comes_of_has_ended_and_says_why(way: str, requests: SqlRequests, runs: SqlRuns) -> None:
    requests.queue(asked(), by="t1")
    if way == "join":
        requests.join(RUN, "b" * 12)
    elif way == "end":
        requests.end(RUN, "failed", "no such\0base")
    else:
        assert requests.cancel(RUN, by="alice", reason="wrong branch")
    record, request = runs.show(RUN), requests.load(RUN)
    assert request is not None
    assert (record.state, record.ending) == ("ended", "failed" if way == "end" else "cancelled")
    assert request.joined == ("b" * 12 if way == "join" else "")
    assert {"join": "b" * 12, "end": "no such", "cancel": "alice"}[way] in record.reason
    assert requests.waiting() == ()
    assert not requests.end(RUN, "failed", "too late")
    assert runs.show(RUN).reason == record.reason


def test_what_has_begun_is_not_cancelled_as_a_request(requests: SqlRequests, runs: SqlRuns, run_of: Callable[..., Run]) -> None:
    requests.queue(asked(), by="t1")
    runs.begin(run_of(RUN))
    assert not requests.cancel(RUN, by="alice", reason="late")
    assert runs.show(RUN).state == "running"


def test_what_begins_at_the_moment_of_its_cancellation_is_not_said_to_be_cancelled(requests: SqlRequests, tmp_path: Path) -> None:
    requests.queue(asked(), by="t1")
    said: list[bool] = []
    cancelling = Thread(target=lambda: said.append(requests.cancel(RUN, by="alice", reason="late")))
    worker = Database(tmp_path / "state")
    with worker.writing() as transaction:
        transaction.connection.execute(update(runs_table).where(runs_table.c.id == RUN).values(state="running"))
        cancelling.start()
        time.sleep(0.5)  # long enough to find it waiting, by a look of its own
    cancelling.join()
    worker.close()
    assert said == [False]


def test_a_check_that_goes_on_can_be_asked_to_end(requests: SqlRequests, runs: SqlRuns, run_of: Callable[..., Run], tmp_path: Path) -> None:
    requests.queue(asked(command=Command.CHECK, repo="app", target=""), by="t1")
    assert not requests.wish(RUN, by="alice", reason="late")
    assert requests.wished(RUN) == ""
    runs.begin(run_of(RUN))
    assert requests.wished(RUN) == ""
    assert requests.wish(RUN, by="alice", reason="no need\0")
    assert requests.wished(RUN).startswith("alice cancelled it: no need")
    assert AuditLog(tmp_path / "state").newest(1, subject=RUN)[0].kind == "run.cancel"


def test_a_check_that_ended_before_its_suite_began_is_not_to_go_on(requests: SqlRequests) -> None:
    requests.queue(asked(command=Command.CHECK, repo="app", target=""), by="t1")
    assert requests.cancel(RUN, by="alice", reason="no need")
    assert requests.wished(RUN) == "alice cancelled it: no need"
    assert not requests.wish(RUN, by="alice", reason="again")


def test_a_submitted_run_is_not_asked_as_a_check(requests: SqlRequests, runs: SqlRuns, run_of: Callable[..., Run]) -> None:
    requests.queue(asked(), by="t1")
    runs.begin(run_of(RUN).with_(command=Command.SUBMIT, target="dir:/srv/app"))
    assert not requests.wish(RUN, by="alice", reason="late")
