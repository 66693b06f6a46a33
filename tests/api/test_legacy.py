"""The ten paths of older clients: the names are theirs, the rules are everybody's."""

import json
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runner.gates.breaker import gate
from runner.gates.breaker.options import Options
from runner.model.result import Ending
from runner.store.ledger import SqlLedger
from runner.store.tokens import SCOPES
from testing.landing import until
from testing.ledgers import Gatekeeper, a_gated_run
from testing.served import GOOD, UNFIT, Served, problem, serving

V0 = "/api/v0/self-modification"
GENERATOR = """
import json, os, sys, time
asked = json.load(sys.stdin)
open({seen!r}, "w").write(json.dumps({{"asked": asked, "env": dict(os.environ), "cwd": os.getcwd()}}))
wish = asked["specification"]
if wish == "fail":
    sys.exit("no idea \\x1b[31m")
if wish == "sleep":
    os.close(1), os.close(2)
    time.sleep(60)
if wish == "flood":
    while True:
        sys.stdout.write("x" * 65536)
if wish != "silence":
    sys.stdout.write({diff!r})
if wish == "another each time":
    print("#", time.time_ns())
"""


@pytest.fixture(scope="module")
def generating(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose generator prints a diff that fits nothing, or does what it is told."""
    folder = tmp_path_factory.mktemp("generating")
    program = folder / "generator.py"
    program.write_text(GENERATOR.format(seen=str(folder / "seen.json"), diff=UNFIT))
    generator = {"command": [sys.executable, "-I", str(program)], "timeout": "5s"}
    with serving(folder, generator=generator, most_change="1MiB") as made:
        yield made


# ── the client script ───────────────────────────────────────────────────────────────────────────────────────────────────


class Script:
    """What the client does, by the names that it knows, and by nothing else."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def get(self, path: str) -> Any:
        return self._served.get(f"{V0}/{path}")

    def post(self, path: str, **fields: Any) -> Any:
        answer = self._served.ask("POST", f"{V0}/{path}", fields or None)
        assert answer.is_success, answer.text
        return answer.json()

    def run(self, patch: str) -> dict[str, Any]:
        status = self.get("safety/enhanced-status")
        assert status["circuit_breaker"]["state"] == "closed"
        assert status["health"]["status"] in ("healthy", "degraded", "unhealthy", "unknown")
        backups = status["backups"]["total"]
        generated = self.post("code/generate", specification="arrivals in order", file_path="src/berth/log.py", patch=patch, wait=120)
        if not generated["can_apply"]:
            return dict(generated)
        applied = self.post("code/apply", modification_id=generated["modification_id"], wait=120)
        assert self.get("safety/enhanced-status")["backups"]["total"] >= backups
        checks = self.get("safety/health-check")["checks"]
        assert 0 <= checks["cpu"]["value"] <= 100
        assert 0 < checks["memory"]["available_percent"] <= 100
        return dict(applied)


def test_the_script_learns_that_a_patch_that_fits_nothing_cannot_be_applied(served: Served) -> None:
    found = Script(served).run(UNFIT)
    assert (found["can_apply"], found["verdict"], found["state"]) == (False, "reject", "ended")


@pytest.mark.docker
@pytest.mark.slow
def test_the_script_applies_a_good_patch(served: Served) -> None:
    found = Script(served).run(GOOD)
    assert (found["applied"], found["auto_rolled_back"], found["rollback_reason"]) == (True, False, None), found
    total = Script(served).get("safety/backups")
    assert total["total"] == len(total["backups"]) == 1


@pytest.mark.docker
@pytest.mark.slow
def test_the_script_is_told_that_what_does_harm_was_taken_back_and_why(own_home: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        policy = json.loads(served.policy.read_text())
        policy["promote"] = {"after": {"command": ["rm", "-f", str(served.well)], "timeout": "10s"}}
        served.policy.write_text(json.dumps(policy))
        found = Script(served).run(GOOD)
    assert (found["applied"], found["auto_rolled_back"], found["ending"]) == (False, True, "rolled_back"), found
    assert found["rollback_reason"]


# ── code ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_generator_a_wish_is_answered_with_how_to_get_one(served: Served) -> None:
    answer = served.ask("POST", f"{V0}/code/generate", {"specification": "sort it", "file_path": "a.py"})
    assert problem(answer) == (501, "generator-not-configured")
    assert "generator: {command:" in answer.json()["hint"]
    assert "patch" in answer.json()["hint"]


def test_the_generator_is_told_the_wish_and_nothing_of_the_server(generating: Served) -> None:
    wish = {"specification": "sort\n$(touch x)", "file_path": "src/a.py", "unknown": 1}
    found = generating.post(f"{V0}/code/generate", wish)
    assert (found["can_apply"], found["verdict"]) == (False, "reject")
    seen = json.loads((generating.folder / "seen.json").read_text())
    assert seen["asked"] == {"specification": "sort\n$(touch x)", "file_path": "src/a.py", "repo": "app"}
    assert set(seen["env"]) <= {"PATH", "HOME", "LANG", "LC_CTYPE"}
    assert not Path(seen["cwd"]).exists()
    (queued,) = generating.get(f"/api/v1/audit?kind=run.queued&subject={found['modification_id']}")["entries"]
    assert queued["body"]["author"] == "anne"


@pytest.mark.parametrize(
    ("wish", "words"),
    [("fail", "no idea \\x1b[31m"), ("sleep", "longer than 5s"), ("flood", "more than 1MiB"), ("silence", "printed nothing")],
)
def test_a_generator_that_fails_is_an_answer_and_no_run(generating: Served, wish: str, words: str) -> None:
    before = generating.get("/api/v1/runs?limit=200")["runs"]
    answer = generating.ask("POST", f"{V0}/code/generate", {"specification": wish})
    assert problem(answer) == (502, "generator-failed")
    assert words in answer.json()["detail"]
    assert generating.get("/api/v1/runs?limit=200")["runs"] == before


def test_a_wish_that_is_asked_again_after_its_server_died_is_the_change_that_it_made(generating: Served) -> None:
    wish, seen = {"specification": "another each time", "wait": 0}, generating.folder / "seen.json"
    first = generating.ask("POST", f"{V0}/code/generate", wish, key="died").json()["modification_id"]
    made = seen.stat().st_mtime_ns
    with closing(sqlite3.connect(generating.state / "state.db")) as record, record:
        assert record.execute("UPDATE replies SET status = NULL, body = '', at = at - 100 WHERE status IS NOT NULL").rowcount
    again = generating.ask("POST", f"{V0}/code/generate", wish, key="died")
    assert (again.is_success, again.json().get("modification_id")) == (True, first)
    assert seen.stat().st_mtime_ns == made, "it was generated once"
    other = generating.ask("POST", f"{V0}/code/generate", {**wish, "file_path": "b.py"}, key="died")
    assert problem(other) == (422, "key-used")


def test_a_wish_without_words_and_a_modification_that_there_is_none_of_are_refused(generating: Served) -> None:
    assert problem(generating.ask("POST", f"{V0}/code/generate", {"specification": " "})) == (422, "invalid-request")
    assert problem(generating.ask("POST", f"{V0}/code/apply", {"modification_id": "f" * 12})) == (404, "modification-unknown")
    assert problem(generating.ask("POST", f"{V0}/code/apply", {})) == (422, "invalid-request")


def test_what_takes_longer_than_whoever_asks_will_wait_is_told_as_going_on(served: Served) -> None:
    answer = served.ask("POST", f"{V0}/code/generate", {"patch": UNFIT, "wait": 0}, key="not waiting")
    assert answer.status_code in (200, 202)
    run = answer.json()["modification_id"]
    assert answer.headers["location"] == f"/api/v1/runs/{run}"
    served.over(run)
    again = served.ask("POST", f"{V0}/code/generate", {"patch": UNFIT, "wait": 0}, key="not waiting")
    assert (again.status_code, again.json()["modification_id"]) == (200, run)


def test_what_was_generated_is_applied_as_the_change_of_whoever_asked_for_it(served: Served) -> None:
    generated = served.post(f"{V0}/code/generate", {"patch": UNFIT})["modification_id"]
    other = served.token_for("submit", name="bert")
    applied = served.post(f"{V0}/code/apply", {"modification_id": generated}, token=other)
    assert (applied["applied"], applied["auto_rolled_back"], applied["ending"]) == (False, False, "rejected")
    (queued,) = served.get(f"/api/v1/audit?kind=run.queued&subject={applied['run']}")["entries"]
    assert (queued["body"]["author"], queued["body"]["target"]) == ("anne", "app-main")
    assert problem(served.ask("POST", f"{V0}/code/apply", {"modification_id": applied["run"]})) == (404, "modification-unknown")


# ── safety ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"reason": " "},
        {"ttl": 60},
        {"reason": "why", "ttl": 0},
        {"reason": "why", "ttl": 3601},
        {"reason": "why", "ttl": "for ever"},
    ],
)
def test_safety_is_not_switched_off_without_a_reason_or_for_longer_than_an_hour(served: Served, body: Any) -> None:
    assert problem(served.ask("POST", f"{V0}/safety/disable", body)) == (422, "invalid-request")
    assert served.get(f"{V0}/safety/circuit-breaker")["state"] == "closed"


def test_safety_that_is_off_comes_back_by_itself_and_the_record_knows_who_did_it(served: Served) -> None:
    off = served.post(f"{V0}/safety/disable", {"reason": "an incident", "ttl": 2})
    assert (off["enabled"], off["switched_off"]) == (False, ["preflight.breaker"])
    assert {"audit", "backup", "trial", "rollback"} <= set(off["still_on"])
    whole = served.get(f"{V0}/safety/circuit-breaker")
    assert (whole["state"], whole["disabled_until"]) == ("disabled", off["until"])
    kinds = [(entry["kind"], entry["body"]["who"]) for entry in served.get("/api/v1/audit?limit=3")["entries"]]
    assert kinds == [("breaker.disabled", "anne")] * 3
    until(lambda: served.get(f"{V0}/safety/circuit-breaker")["state"] == "closed", 10.0)
    forced = [one["forced"] for one in served.get("/api/v1/breakers")["breakers"] if not one["key"]]
    assert forced == [None] * 3


def test_while_safety_is_off_an_open_breaker_refuses_nobody_but_one_that_a_person_opened(served: Served) -> None:
    options = Options.model_validate({"author": {"consecutive": 2}})
    keeper = Gatekeeper(gate, SqlLedger(served.state), options, socket.gethostname())
    for name in ("run1", "run2"):
        keeper.enter(a_gated_run(name, author="robot"))
        keeper.leave(a_gated_run(name, author="robot"), Ending.REJECTED)
    run = a_gated_run("run3", author="robot")
    assert keeper.ask(run).outcome == "refuse"
    assert served.get(f"{V0}/safety/circuit-breaker")["open"] == ["author git:/srv/app robot"]
    served.post(f"{V0}/safety/disable", {"reason": "an incident", "ttl": 3})
    assert keeper.ask(run).outcome == "warn"
    served.post("/api/v1/breakers/author/state", {"state": "open", "key": ["git:/srv/app", "robot"], "reason": "loops", "time": "1s"})
    assert keeper.ask(run).outcome == "refuse"
    until(lambda: keeper.ask(run).outcome == "warn", 10.0)
    until(lambda: keeper.ask(run).outcome == "refuse", 10.0)
    served.post(f"{V0}/safety/circuit-breaker/reset")
    assert keeper.ask(run).outcome == "pass"
    keeper.ledger.close()


def test_safety_is_off_for_an_hour_unless_less_is_asked_for_and_can_be_switched_on_before(served: Served) -> None:
    before = time.time()
    off = served.post(f"{V0}/safety/disable", {"reason": "an incident"})
    (told,) = {one["forced"]["until"] for one in served.get("/api/v1/breakers")["breakers"] if not one["key"]}
    ends = datetime.fromisoformat(told).timestamp()
    assert before + 3590 <= ends <= time.time() + 3600
    assert off["until"][:19] == told[:19]
    on = served.post(f"{V0}/safety/enable")
    assert (on["enabled"], on["until"], on["switched_off"]) == (True, None, [])
    assert served.get(f"{V0}/safety/circuit-breaker")["state"] == "closed"


def test_what_a_person_stopped_stays_stopped_when_safety_is_switched_off_and_on(served: Served) -> None:
    served.post("/api/v1/breakers/promotion/state", {"state": "open", "reason": "release freeze"})
    off = served.post(f"{V0}/safety/disable", {"reason": "an incident", "ttl": 60})
    assert off["held_open"] == ["promotion"]
    assert served.get(f"{V0}/safety/circuit-breaker")["state"] == "open"
    on = served.post(f"{V0}/safety/enable")
    assert on["held_open"] == ["promotion"]
    assert served.post(f"{V0}/safety/circuit-breaker/reset")["state"] == "closed"


def test_who_may_operate_may_not_switch_safety_off(served: Served) -> None:
    token = served.token_for(*(scope for scope in SCOPES if scope != "safety:admin"))
    assert problem(served.ask("POST", f"{V0}/safety/disable", {"reason": "why"}, token=token)) == (403, "scope-missing")


def test_a_restore_of_nothing_is_refused(served: Served) -> None:
    assert problem(served.ask("POST", f"{V0}/safety/backups/{'f' * 64}/restore")) == (404, "backup-unknown")
    assert problem(served.ask("POST", f"{V0}/safety/backups/..%00/restore")) == (422, "invalid-request")
