"""What an answer that is none means, by its status and its code."""

import json
from typing import Any

import pytest

from runner.client.problems import Refused, ServerUnavailable, error_of
from runner.errors import ChangeRefused, InfrastructureError, PolicyInvalid, SeatrialError, UsageError
from runner.reports.exits import exit_of_problem


@pytest.mark.parametrize(
    ("status", "told", "kind", "code"),
    [
        (401, {"code": "token-unknown", "detail": "x"}, Refused, 2),
        (401, None, Refused, 2),
        (403, {"code": "scope-missing", "detail": "x"}, Refused, 2),
        (404, {"code": "run-unknown", "detail": "x"}, Refused, 2),
        (404, None, InfrastructureError, 4),
        (405, None, InfrastructureError, 4),
        (409, {"code": "usage", "detail": "x"}, UsageError, 2),
        (409, {"code": "change-refused", "detail": "x"}, ChangeRefused, 1),
        (409, {"code": "target-moved", "detail": "x"}, InfrastructureError, 4),
        (409, {"code": "in-progress", "detail": "x"}, ServerUnavailable, 4),
        (410, {"code": "events-gone", "detail": "x", "oldest": 5}, Refused, 2),
        (413, {"code": "too-large", "detail": "x"}, ChangeRefused, 1),
        (413, None, ChangeRefused, 1),
        (422, {"code": "policy-invalid", "detail": "x", "problems": ["p:1:1: no"]}, PolicyInvalid, 2),
        (422, {"code": "target-unknown", "detail": "x"}, Refused, 2),
        (429, {"code": "too-many-requests", "detail": "x"}, ServerUnavailable, 4),
        (500, {"code": "bug", "detail": "x"}, ServerUnavailable, 4),
        (502, None, ServerUnavailable, 4),
        (503, {"code": "store-unavailable", "detail": "x"}, ServerUnavailable, 4),
        (599, None, InfrastructureError, 4),
        (799, None, InfrastructureError, 4),
    ],
)
def test_each_refusal_has_its_error_and_its_exit_code(status: int, told: Any, kind: type[SeatrialError], code: int) -> None:
    body = json.dumps(told).encode() if told else b"<html>no"
    found = error_of(status, body, "", "http://server")
    assert isinstance(found, kind)
    assert exit_of_problem(found) == code
    assert str(found)


def test_every_fault_of_a_request_is_told() -> None:
    told = {
        "code": "invalid-request",
        "detail": "it is not as it must be",
        "faults": [{"where": "body.base", "what": "too long"}, {"x": 1}, 7],
    }
    assert "body.base: too long" in str(error_of(422, json.dumps(told).encode(), "", "s"))


def test_nothing_of_an_answer_reaches_a_terminal_as_it_is() -> None:
    bad = "\x1b[2J\u202e::error::"
    told = {"code": "usage", "detail": bad * 1000, "hint": bad, "problems": [bad], "faults": [{"where": bad, "what": bad}]}
    found = error_of(409, json.dumps(told).encode(), "", "s")
    for text in (str(found), found.hint):
        assert all(char.isprintable() or char == "\n" for char in text)
        assert len(text) < 5000


@pytest.mark.parametrize(
    ("given", "after"),
    [("5", 5.0), ("0", 0.0), ("999999999", 60.0), ("-1", 0.0), ("soon", 0.0), ("1.5", 0.0), ("\u0663", 0.0), ("", 0.0)],
)
def test_how_long_to_wait_is_a_number_of_seconds_and_bounded(given: str, after: float | None) -> None:
    found = error_of(503, b"{}", given, "s")
    assert isinstance(found, ServerUnavailable)
    assert found.after == after


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"7", b"[" * 100_000, b"\xff", b'{"code": 7}', b'{"code": "usage", "detail": {"a": 1}}']
)
def test_an_answer_that_is_no_problem_is_an_error_all_the_same(body: bytes) -> None:
    assert isinstance(error_of(422, body, "", "s"), SeatrialError)
