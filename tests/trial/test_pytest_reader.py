"""Records as an attacker would write them, and channels that disagree."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.sandbox import Execution
from runner.model.suite import Module, Stop, SuiteRun, TestOutcome, Usage
from runner.trial.pytest_reader import PytestReader


def a_session(*outcomes: str, **end: Any) -> list[dict[str, Any]]:
    """The records of a session whose tests are `t.py::0`, `t.py::1`, …"""
    ids = [f"t.py::{n}" for n in range(len(outcomes))]
    records: list[dict[str, Any]] = [
        {"k": "session", "pytest": "9", "python": "3", "ini": ""},
        {"k": "collected", "path": "t.py", "ids": ids},
        {"k": "collection", "collected": len(ids), "deselected": 0},
    ]
    for name, outcome in zip(ids, outcomes, strict=True):
        records += [{"k": "start", "id": name}, {"k": "test", "id": name, "outcome": outcome, "seconds": 0.5, "text": ""}]
    records.append({"k": "modules", "modules": [["a", "/work/a.py"]], "total": 1, "complete": True})
    status = int(any(outcome in ("failed", "error") for outcome in outcomes))
    return [*records, {"k": "end", "status": status, "collected": len(ids), "ran": len(ids), "deselected": 0, "stopped": "", **end}]


def read(records: list[Any], execution: Execution) -> SuiteRun:
    reader = PytestReader(lambda: 0.0)
    for record in records:
        reader.record(record)
    return reader.finish(execution)


def test_a_session_that_agrees_with_everything_has_ended(execution):
    run = read(a_session("passed", "failed", "skipped"), execution(exit_code=1, child_status=1))
    assert (run.ended, run.disagreement, run.origins_known) == (True, "", True)
    assert run.modules == (Module(name="a", file="/work/a.py"),)
    assert [(r.id, r.outcome, r.path, r.seconds) for r in run.records] == [
        ("t.py::0", TestOutcome.PASSED, "t.py", 0.5),
        ("t.py::1", TestOutcome.FAILED, "t.py", 0.5),
        ("t.py::2", TestOutcome.SKIPPED, "t.py", 0.5),
    ]


@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({"exit_code": 1, "child_status": 1}, "said status 0"),
        ({"exit_code": 0, "child_status": 1}, "its launcher reported 1"),
        ({"child_status": None}, "reported none"),
        ({"exit_code": None}, "no exit status"),
        ({"survivors": 2}, "2 processes"),
        ({"stop": Stop.TIMED_OUT, "exit_code": 137}, "timed out"),
        ({"stop": Stop.FLOODED}, "too much output"),
    ],
)
def test_an_engine_that_says_otherwise_is_a_disagreement(execution, changes, sign):
    run = read(a_session("passed"), execution(**changes))
    assert not run.ended
    assert sign in run.disagreement


@pytest.mark.parametrize(
    ("outcomes", "end", "status", "sign"),
    [
        (("passed",), {"collected": 2}, 0, "2 tests were collected"),
        (("passed",), {"ran": 0}, 0, "0 tests ran"),
        (("passed",), {"ran": None}, 0, "None tests ran"),
        (("passed",), {"deselected": 3}, 0, "deselected"),
        (("failed",), {"status": 0}, 0, "exit status 0, and 1 failed"),
        (("passed",), {"status": 1}, 1, "nothing failed"),
        (("passed",), {"status": 2}, 2, "interrupted"),
        (("passed",), {"status": 3}, 3, "pytest broke"),
        ((), {"status": 4}, 4, "refused its command line"),
        (("passed",), {"status": 5}, 5, "means no tests"),
        (("passed",), {"status": 77}, 77, "none of pytest's"),
        (("passed",), {"status": "0"}, 0, "none of pytest's"),
        (("passed",), {"status": True}, 1, "none of pytest's"),
    ],
)
def test_an_end_that_does_not_fit_its_records_is_a_disagreement(execution, outcomes, end, status, sign):
    run = read(a_session(*outcomes, **end), execution(exit_code=status, child_status=status))
    assert not run.ended
    assert sign in run.disagreement


def test_no_tests_at_all_is_an_end_with_status_five(execution):
    run = read(a_session(status=5), execution(exit_code=5, child_status=5))
    assert (run.ended, run.records) == (True, ())


def test_collection_errors_end_a_session_with_status_two(execution):
    error = {"k": "collect_error", "id": "u.py", "path": "u.py", "text": "no"}
    start, *rest = a_session("passed", status=2, ran=0)
    records = [start, error, *(record for record in rest if record["k"] not in ("start", "test"))]
    run = read(records, execution(exit_code=2, child_status=2))
    assert (run.ended, run.disagreement) == (True, "")
    assert [error.path for error in run.collect_errors] == ["u.py"]


def test_a_missing_end_and_a_missing_result_are_said(execution):
    records = a_session("passed", "passed")
    assert (
        "1 of 2 tests have a result" in read([r for r in records if r["k"] != "end" and r.get("id") != "t.py::1"], execution()).disagreement
    )
    assert "2 tests ran" in read([r for r in records if r.get("id") != "t.py::1"], execution()).disagreement
    assert "did not start" in read([], execution(exit_code=127, child_status=127)).disagreement


def test_a_second_result_keeps_the_worse_one(execution):
    for first, second in (("failed", "passed"), ("passed", "failed")):
        records = a_session(first, status=1)
        records.insert(-1, {"k": "test", "id": "t.py::0", "outcome": second})
        run = read(records, execution(exit_code=1, child_status=1))
        assert [record.outcome.value for record in run.records] == ["failed"]
        assert "two results" in run.disagreement


def test_a_start_while_another_test_runs_is_a_disagreement(execution):
    records = a_session("passed", "passed")
    records.insert(4, {"k": "start", "id": "t.py::1"})
    assert "started before t.py::0 had a result" in read(records, execution()).disagreement


def test_the_test_in_flight_has_the_host_s_time():
    now = iter((5.0, 7.0))
    reader = PytestReader(lambda: next(now))
    for record in a_session("passed", "passed")[:4]:
        reader.record(record)
    assert reader.running() == ("t.py::0", 5.0)
    reader.record({"k": "test", "id": "t.py::0", "outcome": "passed"})
    assert reader.running() is None


def test_paths_outside_the_working_copy_and_absurd_numbers_are_not_kept(execution):
    records = a_session("passed")
    records[1]["path"] = "../../etc/passwd"
    records[4]["seconds"] = float("nan")
    run = read(records, execution())
    assert (run.records[0].path, run.records[0].seconds) == ("", 0.0)
    for value in (-1, 10**400, "1", True, None, float("inf")):
        records[4]["seconds"] = value
        assert read(records, execution()).records[0].seconds == 0.0


def test_texts_are_bounded_one_by_one_and_in_total(execution, monkeypatch):
    monkeypatch.setattr("runner.trial.records.MOST_TEXT", 10_000)
    records = a_session("failed", "failed", "failed")
    for record in records:
        if record["k"] == "test":
            record["text"] = "\ud800é" * 20_000
    texts = [record.text for record in read(records, execution(exit_code=1, child_status=1)).records]
    assert max(len(text.encode()) for text in texts) <= 8192
    assert sum(map(len, texts)) <= 10_000
    assert texts[-1] == ""


def test_an_inventory_that_never_ends_is_cut(execution, monkeypatch):
    monkeypatch.setattr("runner.trial.records.MOST_TESTS", 10)
    reader = PytestReader(lambda: 0.0)
    for n in range(30):
        reader.record({"k": "collected", "path": "t.py", "ids": [f"t.py::{n}"]})
    run = reader.finish(execution())
    assert len(run.collected) == 10
    assert "more than 10 tests" in run.disagreement


def test_modules_that_do_not_add_up_are_no_origins(execution):
    records = a_session("passed")
    records[-2]["total"] = 2
    assert not read(records, execution()).origins_known


def test_a_full_disk_seen_by_the_engine_is_not_overwritten(execution):
    records = a_session("failed")
    records[4]["text"] = "OSError: [Errno 28] No space left on device: '/tmp/x'"
    seen = execution(exit_code=1, child_status=1, usage=Usage(disk_full="/work"))
    assert read(records, seen).usage.disk_full == "/work"
    assert read(records, execution(exit_code=1, child_status=1)).usage.disk_full == "/tmp/x"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["t.py::0", "passed", "/work"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
KINDS = ("session", "collected", "collection", "collect_error", "start", "test", "modules", "internal_error", "broken", "end", "", "exit")
FIELDS = ("id", "ids", "path", "outcome", "seconds", "text", "modules", "total", "status", "collected", "ran", "pytest", "ini", "stopped")
RECORDS = st.lists(
    st.builds(
        lambda kind, rest: {**rest, "k": kind}, st.sampled_from(KINDS) | JSON, st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
    ),
    max_size=12,
)


@given(RECORDS)
def test_no_records_break_the_reader_or_look_like_an_end(records):
    run = read([*a_session("passed")[:-1], *records], Execution(stop=Stop.EXITED, exit_code=0, child_status=0))
    SuiteRun.model_validate_json(run.model_dump_json())
    assert not run.ended
