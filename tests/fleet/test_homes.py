"""Who carries what: targets by configuration and by labels, and runs where their trees are."""

import json
import signal

import pytest

from testing.fleets import Fleet, until
from testing.whole import git

pytestmark = [pytest.mark.docker, pytest.mark.postgres, pytest.mark.slow]


def test_a_target_is_served_by_the_workers_that_know_it_and_have_its_labels(fleet: Fleet) -> None:
    policy = fleet.policy()
    whole = {
        "seatrial-server": 1,
        "listen": f"127.0.0.1:{fleet.port}",
        "repos": {"app": {"path": str(fleet.bare)}},
        "targets": {
            name: {"target": f"git:{fleet.bare}", "repo": "app", "policy": str(policy), **more}
            for name, more in (("here", {}), ("there", {}), ("big", {"labels": ["gpu", "big"]}))
        },
    }
    fleet.file.write_text(json.dumps(whole))
    del whole["targets"]["there"]  # type: ignore[attr-defined]
    fewer = fleet.folder / "fewer.yaml"
    fewer.write_text(json.dumps(whole))
    fleet.serve("--no-work")
    fleet.work("plain", file=fewer)
    runs = {name: fleet.submit(1, name) for name in ("here", "there", "big")}
    fleet.until_over([runs["here"]])
    waiting = json.loads(fleet.run("plain", "fleet", "--format", "json")[1])["queues"]
    assert {(one["kind"], one["name"], one["waiting"]) for one in waiting} == {("target", "there", 1), ("target", "big", 1)}
    assert all(one["oldest"] > 1 for one in waiting)
    fleet.work("large", "--labels", "gpu, big")
    fleet.all_confirmed(runs.values())
    homes = fleet.homes()
    assert {name: homes[run] for name, run in runs.items()} == {"here": "plain", "there": "large", "big": "large"}


def test_what_a_person_answers_to_a_server_is_carried_where_the_run_is(fleet: Fleet) -> None:
    policy = fleet.policy(validate={"paths": {"hold": ["change-1.txt"]}})
    fleet.configure({"main": f"git:{fleet.bare}#main", "own": f"git:{fleet.bare}"}, policy=policy)
    fleet.serve("--no-work")
    fleet.work("host0")
    fleet.work("host1")
    run = fleet.submit(1, "main")
    until(lambda: fleet.shown(run)["state"] == "held", lambda: fleet.shown(run))
    status, _ = fleet.ask("POST", f"/api/v1/runs/{run}/approve", {"reason": "seen"}, key="approve")
    assert status in (409, 403), "it is its author"
    from runner.store.tokens import SqlTokens

    fleet.token = SqlTokens(fleet.state("server")).create("other", ("read", "approve"), (), 3600.0, by="test")
    status, body = fleet.ask("POST", f"/api/v1/runs/{run}/approve", {"reason": "seen"}, key="approve-2")
    assert status in (200, 202), body
    fleet.all_confirmed([run])
    fleet.assert_once([run])


NOTHING_HERE = """
from runner.errors import UsageError
from runner.wiring import filing
def nowhere(*_):
    raise UsageError("this machine has no target")
filing.opened = nowhere
"""
"""The server's machine has neither the trees nor the targets of any run."""


def test_what_was_confirmed_on_another_machine_is_taken_back_there(fleet: Fleet) -> None:
    before = git(fleet.bare, "rev-parse", "main^{tree}")
    fleet.serve("--no-work", before=NOTHING_HERE)
    fleet.work("host0")
    run = fleet.submit(1, "main")
    fleet.all_confirmed([run])
    assert git(fleet.bare, "rev-parse", "main^{tree}") != before
    status, body = fleet.ask("POST", f"/api/v1/runs/{run}/rollback", {"reason": "not today"}, key="rollback")
    assert status == 202, body
    assert fleet.until_over([run]) == {run: "rolled_back"}
    assert git(fleet.bare, "rev-parse", "main^{tree}") == before
    assert fleet.homes()[run] == "host0"


def test_a_target_that_has_gone_from_the_machine_of_its_run_leaves_the_run_as_it_had_ended(fleet: Fleet) -> None:
    fleet.serve("--no-work", before=NOTHING_HERE)
    fleet.work("host0")
    run = fleet.submit(1, "main")
    fleet.all_confirmed([run])
    fleet.bare.rename(fleet.folder / "elsewhere.git")
    status, body = fleet.ask("POST", f"/api/v1/runs/{run}/rollback", {"reason": "not today"}, key="rollback")
    assert status == 202, body
    assert fleet.until_over([run]) == {run: "confirmed"}
    assert fleet.shown(run)["reason"].startswith("it was not taken back, since its target could not be looked at")


def test_a_check_is_done_once_also_when_its_worker_is_killed(fleet: Fleet) -> None:
    fleet.serve("--no-work")
    worker = fleet.work("host0", slots=2)
    bodies = [{"command": "check", "repo": "app", "edits": [{"path": f"c{number}.txt", "content": "c"}]} for number in range(2)]
    runs = [fleet.ask("POST", "/api/v1/runs", body, key=str(body))[1]["run"] for body in bodies]
    until(lambda: "running" in fleet.states(runs).values(), lambda: worker.err)
    worker.kill()
    fleet.work("host0")
    assert fleet.until_over(runs) == dict.fromkeys(runs, "accepted")
    rows = fleet.rows("SELECT subject FROM audit WHERE kind = 'run.ended'")
    assert sorted(row[0] for row in rows) == sorted(runs)


def test_the_fleet_is_listed_with_what_it_serves_and_who_is_gone(fleet: Fleet) -> None:
    fleet.serve("--no-work")
    worker = fleet.work("host0", slots=3)
    members = json.loads(fleet.run("server", "fleet", "--format", "json")[1])["members"]
    known = {one["role"]: one for one in members}
    assert (known["worker"]["slots"], known["worker"]["targets"], known["worker"]["alive"]) == (3, ["main", "own"], True)
    assert (known["server"]["slots"], known["server"]["targets"]) == (0, [])
    worker.send(signal.SIGKILL)
    worker.ended()
    code, out = fleet.run("host0", "fleet")
    assert code == 0
    assert any(line.startswith("dead") and "host" not in line.partition("  ")[0] for line in out.splitlines()), out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--labels", "gpu"), "asks for the label 'gpu'"),
        (("--database", "postgresql://u:secret@h/d"), "a URL with a password is no argument"),
        (("--database", "env:NOTHING_THERE"), "there is no URL of a database"),
        (("--slots", "0"), "--slots"),
        (("--drain", "soon"), "--drain"),
    ],
)
def test_a_worker_says_what_is_wrong_with_what_it_was_given(fleet: Fleet, arguments: tuple[str, ...], says: str) -> None:
    member = fleet.start("host0", "worker", "--config", str(fleet.file), *arguments)
    assert member.ended() == 2
    assert says in member.err
    assert "secret" not in member.err


def test_a_database_is_made_and_then_left_as_it_is(fleet: Fleet) -> None:
    code, out = fleet.run("host0", "db", "migrate")
    assert (code, " was made at schema 0" in out) == (0, True), out
    code, out = fleet.run("host1", "db", "migrate", "--format", "json")
    told = json.loads(out)
    assert (code, told["before"]) == (0, told["now"])
