"""What a server tells of its machine, its breakers, policies and audit log, and what may be decided there."""

from typing import Any

import httpx
import pytest

from runner.model.keys import key_of
from runner.store.checkpoints import read
from runner.store.ledger import SqlLedger
from testing.served import Served, problem, whole

WHY = "because of the release"


def test_a_breaker_is_opened_by_hand_seen_and_reset(served: Served) -> None:
    opened = served.post("/api/v1/breakers/promotion/state", {"state": "open", "key": ["app-main"], "reason": WHY, "time": "2h"})
    (told,) = opened["breakers"]
    assert (told["key"], told["forced"]["state"], told["forced"]["who"], told["forced"]["reason"]) == ([whole(served)], "open", "anne", WHY)
    assert told["forced"]["until"] is not None
    assert served.get("/api/v1/breakers/promotion?key=app-main")["breakers"] == [told]
    assert told in served.get("/api/v1/breakers")["breakers"]
    reset = served.post("/api/v1/breakers/promotion/state", {"state": "reset", "key": [whole(served)], "reason": "over"})
    assert reset["breakers"][0]["forced"] is None
    entries = served.get("/api/v1/audit?limit=2")["entries"]
    assert [entry["kind"] for entry in entries] == ["breaker.reset", "breaker.opened"]
    assert entries[1]["body"]["who"] == "anne"


def test_a_breaker_that_is_open_for_good_stays_so_for_all_keys_until_it_is_reset(served: Served) -> None:
    served.post("/api/v1/breakers/author/state", {"state": "disabled", "reason": WHY})
    (told,) = served.get("/api/v1/breakers/author")["breakers"]
    assert (told["key"], told["forced"]["state"], told["forced"]["until"]) == ([], "disabled", None)
    served.post("/api/v1/breakers/author/state", {"state": "reset", "reason": WHY})


@pytest.mark.parametrize(
    ("name", "body", "answer"),
    [
        ("promotion", {"state": "open", "reason": ""}, (422, "invalid-request")),
        ("promotion", {"state": "open"}, (422, "invalid-request")),
        ("promotion", {"state": "shut", "reason": WHY}, (422, "invalid-request")),
        ("promotion", {"state": "open", "reason": WHY, "time": "2"}, (422, "invalid-request")),
        ("promotion", {"state": "open", "reason": WHY, "time": "0s"}, (422, "invalid-request")),
        ("promotion", {"state": "reset", "reason": WHY, "time": "2h"}, (422, "invalid-request")),
        ("promotion", {"state": "open", "reason": WHY, "key": ["a", "b"]}, (422, "key-malformed")),
        ("promotion", {"state": "reset", "reason": WHY, "key": ["never"]}, (409, "usage")),
        ("engine", {"state": "open", "reason": WHY}, (422, "invalid-request")),
    ],
)
def test_what_is_no_decision_about_a_breaker_is_refused(served: Served, name: str, body: dict[str, Any], answer: tuple[int, str]) -> None:
    assert problem(served.ask("POST", f"/api/v1/breakers/{name}/state", body)) == answer


def test_a_breaker_that_never_counted_is_not_there(served: Served) -> None:
    assert problem(served.ask("GET", "/api/v1/breakers/promotion?key=never")) == (404, "breaker-unknown")


def test_health_is_what_the_command_line_tells_by_the_policy_that_is_named(served: Served) -> None:
    found = served.get("/api/v1/health?target=app-main")
    assert found["schema"] == "seatrial.health/v1"
    assert found["policy"]["source"] == str(served.policy)
    limits = {signal["name"]: signal["hard"] for signal in found["signals"]}
    assert limits["memory_available"] == "none"
    assert served.get("/api/v1/health")["policy"]["source"] == "builtin:default"
    assert problem(served.ask("GET", "/api/v1/health?target=app-main&repo=app")) == (422, "invalid-request")
    assert problem(served.ask("GET", "/api/v1/health?repo=nowhere")) == (422, "repo-unknown")


def test_limits_tell_how_full_the_windows_are(served: Served) -> None:
    assert served.get("/api/v1/limits")["limits"] == []
    ledger = SqlLedger(served.state)
    with ledger.writing() as moment:
        for number in range(10):
            moment.append("rate", key_of("target", whole(served)), "admitted", run=f"run{number}")
    ledger.close()
    (found,) = served.get("/api/v1/limits")["limits"]
    assert (found["key"], found["used"], found["limit"], found["per"]) == ({"target": whole(served)}, 10, 10, 60.0)
    assert 0 < found["room_in"] <= 60
    assert served.get("/api/v1/limits?target=app-main")["limits"] == []  # its policy limits nothing


def test_policies_are_listed_with_their_source_and_shown_resolved(served: Served) -> None:
    found = served.get("/api/v1/policies")["policies"]
    assert [(one["kind"], one["name"], one["source"], one["problems"]) for one in found] == [
        ("repo", "app", str(served.policy), []),
        ("target", "app-main", str(served.policy), []),
    ]
    shown = served.get("/api/v1/policies/target/app-main")
    assert shown["digest"] == found[1]["digest"]
    assert shown["policy"]["monitor"]["deadline"] == "1m"
    assert shown["where"]["monitor.deadline"].startswith(f"{served.policy}:")
    assert shown["where"]["hold.expires"].startswith("builtin:default:")
    assert problem(served.ask("GET", "/api/v1/policies/target/nowhere")) == (404, "target-unknown")


def test_every_fault_of_a_policy_is_told_with_its_place(served: Served) -> None:
    wrong = served.post("/api/v1/policies/validate", {"text": "seatrial: 1\nmonitr: {}\nhold: {expires: soon}\n"})
    assert (wrong["valid"], wrong["digest"]) == (False, None)
    assert [(fault["line"], fault["column"]) for fault in wrong["errors"]] == [(2, 1), (3, 17)]
    assert "monitor" in wrong["errors"][0]["message"]
    right = served.post("/api/v1/policies/validate", {"text": "seatrial: 1\n"})
    assert (right["valid"], right["errors"], len(right["digest"])) == (True, [], 64)
    half = served.ask("POST", "/api/v1/policies/validate", content=b'{"text": "\\ud800"}', headers={"Content-Type": "application/json"})
    assert problem(half) == (422, "invalid-request")


def test_the_audit_log_is_read_in_pages_and_its_head_is_a_checkpoint(served: Served) -> None:
    for _ in range(2):
        served.post("/api/v1/breakers/host/state", {"state": "reset", "reason": WHY})
        served.post("/api/v1/breakers/host/state", {"state": "open", "reason": WHY, "time": "1s"})
    first = served.get("/api/v1/audit?limit=2")
    second = httpx.get(first["next"], headers={"Authorization": f"Bearer {served.token}"}).json()
    numbers = [entry["seq"] for page in (first, second) for entry in page["entries"]]
    assert numbers == list(range(numbers[0], numbers[0] - 4, -1))
    head = served.get("/api/v1/audit/checkpoint")["checkpoint"]
    entry = served.get("/api/v1/audit?limit=1")["entries"][0]
    assert (head["seq"], head["hash"]) == (entry["seq"], entry["hash"])
    line = read(head["line"])
    assert line is not None
    assert line.hash == entry["hash"]
