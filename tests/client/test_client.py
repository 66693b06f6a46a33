"""What is asked of a server, and what is made of its answers."""

import re
from typing import Any

import pytest

from runner.client.client import Client
from runner.client.wanted import Wanted
from runner.errors import InfrastructureError, UsageError
from testing.clients import a_summary, answer

JOB = {"BUILD_TAG": "job-1"}
CHANGE = Wanted(content=b"diff \xff\0\n", kind="diff", base="b" * 40, repo="app", gates="enforce")


def fields(body: bytes) -> dict[str, bytes]:
    """What a form holds, by name."""
    found = re.findall(rb'name="(\w+)"[^\n]*\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', body, re.DOTALL)
    return {name.decode(): content for name, content in found}


def test_a_change_goes_as_the_bytes_that_it_is(scripted: Any, client: Client) -> None:
    scripted.in_turn(answer({"run": "ab12", "state": "queued", "location": "/x"}, 202))
    assert client.submit(CHANGE).run == "ab12"
    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("POST", "/api/v1/runs")
    sent = fields(asked.body)
    assert sent["change"] == CHANGE.content
    assert sent == {"change": CHANGE.content, "command": b"check", "repo": b"app", "base": b"b" * 40, "gates": b"enforce"}
    assert b"application/octet-stream" in asked.body
    client.submit(Wanted(content=b"[]", kind="edits", target="app-main", agent="bot", ticket="T-1"))
    asked = scripted.asked[1]
    assert fields(asked.body) == {"change": b"[]", "command": b"submit", "target": b"app-main", "agent": b"bot", "ticket": b"T-1"}
    assert b"application/json" in asked.body


def test_in_a_job_the_same_is_asked_with_the_same_key_and_elsewhere_with_a_new_one(
    scripted: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.in_turn(answer({"run": "ab12", "state": "queued"}, 202))
    client.submit(CHANGE)
    client.submit(CHANGE)
    monkeypatch.setenv("BUILD_TAG", "job-1")
    client.submit(CHANGE)
    client.submit(CHANGE)
    client.submit(CHANGE.model_copy(update={"base": ""}))
    keys = [asked.headers["Idempotency-Key"] for asked in scripted.asked]
    assert keys[0] != keys[1]
    assert keys[2] == keys[3]
    assert len({*keys}) == 4


@pytest.mark.parametrize(
    ("earlier", "again"),
    [
        ({"ending": "failed"}, True),
        ({"ending": "refused"}, True),
        ({"ending": "cancelled"}, True),
        ({"ending": "cancelled", "joined": "cd34"}, False),
        ({"ending": "rejected"}, False),
        ({"ending": "accepted"}, False),
        ({"ending": None, "state": "running"}, False),
        ({"ending": None, "state": "held"}, False),
    ],
)
def test_what_came_to_nothing_is_asked_once_more(scripted: Any, client: Client, earlier: dict[str, Any], again: bool) -> None:
    first = answer({"run": "ab12", "state": "queued"}, 202, Idempotent_Replayed="true")
    scripted.in_turn(first, answer({"summary": a_summary(**earlier), "report": None}), answer({"run": "cd34", "state": "queued"}, 202))
    assert client.submit(CHANGE, "k").run == ("cd34" if again else "ab12")
    keys = [asked.headers["Idempotency-Key"] for asked in scripted.asked if asked.method == "POST"]
    assert len({*keys}) == len(keys) == (2 if again else 1)


def test_a_server_that_always_says_so_is_not_asked_for_ever(scripted: Any, client: Client) -> None:
    replayed = answer({"run": "ab12", "state": "queued"}, 202, Idempotent_Replayed="true")
    failed = answer({"summary": a_summary(ending="failed"), "report": None})
    scripted.script = lambda asked: replayed if asked.method == "POST" else failed
    with pytest.raises(InfrastructureError, match="came to nothing"):
        client.submit(CHANGE)


@pytest.mark.parametrize("name", ["../../../openapi.json", "..", "ab/approve", "AB", "", "ab?x", "a" * 65, "ab\n"])
def test_what_is_no_run_is_not_asked_about(scripted: Any, client: Client, name: str) -> None:
    for do in (client.show, client.logs, client.retry, lambda run: client.decide(run, "approve", "x")):
        with pytest.raises(UsageError):
            do(name)
    assert scripted.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"summary": a_summary(), "report": []},
        {"summary": a_summary(run="../x"), "report": None},
        {"summary": a_summary(state="ended\x1b[2J"), "report": None},
        {"summary": a_summary(stage="$(reboot)"), "report": None},
        {"summary": a_summary(started="\u202e" * 20), "report": None},
        {"summary": a_summary(exit_code="0"), "report": None},
        {"summary": {"run": "ab"}, "report": None},
    ],
)
def test_an_answer_that_is_none_of_ours_is_an_error(scripted: Any, client: Client, body: Any) -> None:
    scripted.in_turn(answer(body))
    with pytest.raises(InfrastructureError, match="not one that this version can read"):
        client.show("ab12")


def test_json_that_is_nested_without_end_is_an_error(scripted: Any, client: Client) -> None:
    content = b'{"report": ' + b"[" * 200_000
    scripted.in_turn((200, {"Content-Type": "application/json", "Content-Length": str(len(content))}, content))
    with pytest.raises(InfrastructureError):
        client.show("ab12")


def test_a_list_goes_on_by_the_cursor_alone(scripted: Any, client: Client) -> None:
    first = {"runs": [a_summary(run="a1"), a_summary(run="a2")], "next": "http://127.0.0.1:9/elsewhere?limit=2&after=bjE%3D"}
    scripted.in_turn(answer(first), answer({"runs": [a_summary(run="a3")], "next": None}))
    assert [one.run for one in client.list(500)] == ["a1", "a2", "a3"]
    assert [asked.path for asked in scripted.asked] == ["/api/v1/runs?limit=200", "/api/v1/runs?limit=200&after=bjE%3D"]


def test_a_list_without_an_end_is_bounded_by_what_was_asked(scripted: Any, client: Client) -> None:
    scripted.in_turn(answer({"runs": [a_summary()] * 50, "next": "?after=x"}))
    assert len(client.list(120)) == 120
    assert len(scripted.asked) == 3
    scripted.in_turn(answer({"runs": [], "next": "?after=x"}))
    assert client.list(120) == ()


def test_logs_are_asked_for_by_name(scripted: Any, client: Client) -> None:
    told = {"code": "log-unknown", "detail": "no such log", "suites": ["base", "patched", "../x", 7, "\x1b"]}
    scripted.in_turn(answer(told, 404), (200, {"Content-Length": "6"}, b"fine\xff\n"), (200, {"Content-Length": "1"}, b"b"))
    assert client.logs("ab12") == {"base": "fine\ufffd\n", "patched": "b"}
    scripted.in_turn(answer({**told, "suites": []}, 404))
    assert client.logs("ab12") == {}
    scripted.in_turn(answer({"code": "run-unknown", "detail": "no"}, 404))
    with pytest.raises(UsageError):
        client.logs("ab12")


@pytest.mark.parametrize("verb", ["approve", "deny", "cancel", "confirm", "rollback"])
def test_a_word_about_a_run_goes_with_its_reason_and_a_key(scripted: Any, client: Client, verb: str) -> None:
    scripted.in_turn(answer({"run": "ab12", "state": "running"}, 202))
    assert client.decide("ab12", verb, "because").run == "ab12"
    asked = scripted.asked[0]
    assert (asked.method, asked.path, asked.body) == ("POST", f"/api/v1/runs/ab12/{verb}", b'{"reason": "because"}')
    assert asked.headers["Idempotency-Key"]
