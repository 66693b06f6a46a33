"""Requests on real databases: on record as runs that wait, once, and ended when nothing comes of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.model.request import Asked
from runner.model.run import Command, Run
from runner.store.requests import Queued, SqlRequests
from runner.store.runs import SqlRuns

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
        requests.cancel(RUN, by="alice", reason="wrong branch")
    record, request = runs.show(RUN), requests.load(RUN)
    assert request is not None
    assert (record.state, record.ending) == ("ended", "failed" if way == "end" else "cancelled")
    assert request.joined == ("b" * 12 if way == "join" else "")
    assert {"join": "b" * 12, "end": "no such", "cancel": "alice"}[way] in record.reason
    assert requests.waiting() == ()
    requests.end(RUN, "failed", "too late")
    assert runs.show(RUN).reason == record.reason


def test_what_has_begun_is_not_cancelled_as_a_request(requests: SqlRequests, runs: SqlRuns, run_of: Callable[..., Run]) -> None:
    requests.queue(asked(), by="t1")
    runs.begin(run_of(RUN))
    with pytest.raises(UsageError, match="does not wait"):
        requests.cancel(RUN, by="alice", reason="late")
    assert runs.show(RUN).state == "running"
