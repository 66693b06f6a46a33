"""What a token that is bound to a target sees: nothing of others, whatever it asks, and all of its own."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import pytest

from runner.api.seeing import windows_seen
from runner.gates.rate.options import Limit
from runner.gates.rate.window import Use
from runner.model.configuration import Configuration
from runner.model.keys import key_of
from runner.store.tokens import SCOPES, Token
from runner.wiring.limits import Window
from testing.served import UNFIT, Served, a_backup, application, problem
from testing.tenants import HUSH, tenants

V0 = "/api/v0/self-modification/safety"
MACHINE = {"/livez", "/readyz", "/metrics", "/openapi.json"}


class World(NamedTuple):
    """A server of two targets, and what there is of each: a run, a check, a backup; `bound` is a token of `other-main` alone."""

    served: Served
    bound: str
    hidden: dict[str, str]
    own: dict[str, str]


@pytest.fixture(scope="module")
def world(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with tenants(tmp_path_factory.mktemp("served")) as (served, hidden, own):
        yield World(served, served.token_for(*SCOPES, targets=("other-main",)), hidden, own)


def _secrets(world: World) -> tuple[str, ...]:
    """What no answer may have in it."""
    return (*world.hidden.values(), "app-main", "app.git", "hidden-author", HUSH)


def _looks(world: World) -> Iterator[str]:
    """Every address that can be looked at, with what is hidden wherever it names something."""
    of_hidden = {"run": world.hidden["run"], "backup": world.hidden["backup"], "name": "promotion", "kind": "target"}
    for path, verbs in application().openapi()["paths"].items():
        if "get" in verbs and path not in MACHINE and not path.startswith(("/api/v1/webhooks", "/api/v1/events")):
            yield path.replace("{kind}/{name}", "target/app-main").format_map(of_hidden)
    for part in ("", "/results", "/findings", "/findings?format=sarif", "/logs"):
        yield f"/api/v1/runs/{world.hidden['check']}{part}"
        yield f"/api/v1/runs/{world.hidden['run'][:11]}{part}"
        yield f"/api/v1/runs/latest{part}"
    yield "/api/v1/runs?target=app-main"
    yield "/api/v1/breakers/promotion?key=app-main"
    yield "/api/v1/backups?target=app-main"
    yield "/api/v1/backups/latest"
    yield f"/api/v1/audit?subject={world.hidden['run']}"
    yield f"/api/v1/audit?subject={world.hidden['backup']}"
    yield "/api/v1/health?target=app-main"
    yield "/api/v1/limits?repo=app"


def test_no_look_shows_anything_of_another_target(world: World) -> None:
    looks = sorted(set(_looks(world)))
    assert len(looks) > 30
    for path in looks:
        answer = world.served.ask("GET", path, token=world.bound)
        assert answer.status_code in (200, 403, 404, 409), (path, answer.text)
        found = [secret for secret in _secrets(world) if secret in answer.text]
        assert not found, (path, found)


def test_the_same_looks_show_it_to_a_token_that_is_bound_to_nothing(world: World) -> None:
    """Or else the test above shows nothing."""
    told = "".join(world.served.ask("GET", path).text for path in sorted(set(_looks(world))))
    assert [secret for secret in _secrets(world) if secret not in told] == []


@pytest.mark.parametrize("part", ["", "/results", "/findings", "/logs"])
@pytest.mark.parametrize("which", ["run", "check"])
def test_a_run_of_another_target_is_not_there_and_its_own_is(world: World, part: str, which: str) -> None:
    assert problem(world.served.ask("GET", f"/api/v1/runs/{world.hidden[which]}{part}", token=world.bound)) == (404, "run-unknown")
    assert world.served.ask("GET", f"/api/v1/runs/{world.own[which]}{part}", token=world.bound).status_code == 200


def test_the_newest_run_is_the_newest_of_its_own(world: World) -> None:
    assert world.served.get("/api/v1/runs/latest")["summary"]["run"] == world.hidden["check"]
    assert world.served.get("/api/v1/runs/latest", token=world.bound)["summary"]["run"] == world.own["check"]


def test_pages_of_one_run_each_lead_through_its_own(world: World) -> None:
    path, found = "/api/v1/runs?limit=1", []
    while path:
        page = world.served.get(path, token=world.bound)
        assert len(page["runs"]) == 1
        found += [run["run"] for run in page["runs"]]
        path = (page["next"] or "").removeprefix(world.served.url)
    assert found == [world.own["check"], world.own["run"]]


def test_backups_of_other_targets_are_not_there(world: World) -> None:
    served = world.served
    assert [one["id"] for one in served.get("/api/v1/backups", token=world.bound)["backups"]] == [world.own["backup"]]
    assert served.get("/api/v1/backups/latest", token=world.bound)["id"] == world.own["backup"]
    assert served.get("/api/v1/backups/latest")["id"] == world.hidden["backup"]
    assert problem(served.ask("GET", f"/api/v1/backups/{world.hidden['backup']}", token=world.bound)) == (404, "backup-unknown")
    assert served.get(f"{V0}/backups", token=world.bound)["total"] == 1
    assert served.get(f"{V0}/enhanced-status", token=world.bound)["backups"] == {"total": 1}


def test_of_a_backup_that_two_targets_share_each_is_told_its_own(world: World) -> None:
    served = world.served
    both = {a_backup(served, b"both\n", f"git:{served.folder}/{name}.git#refs/heads/main", "0123456789ab") for name in ("app", "other")}
    (shared,) = both
    try:
        targets = [one["target"] for one in served.get(f"/api/v1/backups/{shared}", token=world.bound)["targets"]]
        assert targets == [f"git:{served.folder}/other.git#refs/heads/main"]
        assert len(served.get(f"/api/v1/backups/{shared}")["targets"]) == 2
    finally:
        _forget(served, shared)


def _forget(served: Served, backup: str) -> None:
    from runner.store.backups import SqlBackups

    kept = SqlBackups(served.state)
    kept.release("0123456789ab")
    due = tuple(one for one in kept.all()[0] if one.id == backup)
    kept.forget(due, lambda _records, _now: set())
    kept.close()


def test_a_breaker_of_another_target_is_not_there_and_does_not_make_all_of_them_open(world: World) -> None:
    served = world.served
    assert problem(served.ask("GET", "/api/v1/breakers/promotion?key=app-main", token=world.bound)) == (404, "breaker-unknown")
    assert served.get("/api/v1/breakers/promotion?key=other-main", token=world.bound)["breakers"]
    assert len(served.get(f"{V0}/circuit-breaker", token=world.bound)["open"]) == 1
    assert len(served.get(f"{V0}/circuit-breaker")["open"]) == 2


def test_policies_are_those_of_its_targets_and_of_their_repositories(world: World) -> None:
    served = world.served
    found = served.get("/api/v1/policies", token=world.bound)["policies"]
    assert [(one["kind"], one["name"]) for one in found] == [("repo", "other"), ("target", "other-main")]
    assert problem(served.ask("GET", "/api/v1/policies/repo/app", token=world.bound)) == (404, "repo-unknown")
    assert served.get("/api/v1/policies/repo/other", token=world.bound)["digest"]


@pytest.mark.parametrize(
    ("parts", "seen"),
    [
        (("target", "git:{}/other.git#refs/heads/main"), True),
        (("target", "git:{}/other.git#refs/heads/main", "author", "anne"), True),
        (("target", "git:{}/app.git#refs/heads/main"), False),
        (("author", "anne"), False),
        (("path", "src"), False),
    ],
)
def test_limits_are_told_of_its_targets_and_not_of_what_counts_others_too(world: World, parts: tuple[str, ...], seen: bool) -> None:
    service: Any = SimpleNamespace(configuration=Configuration.model_validate(world.served.configuration))
    window = Window(0, Limit(limit=1, per=60.0), key_of(*(part.format(world.served.folder) for part in parts)), Use(1, 0.0))
    bound = Token("b", "bert", ("read",), ("other-main",), 0.0, 1.0)
    assert windows_seen(bound, (window,), service) == ((window,) if seen else ())
    assert windows_seen(bound._replace(targets=()), (window,), service) == (window,)


@pytest.mark.parametrize("path", ["/api/v1/health?target=app-main", "/api/v1/limits?target=app-main"])
def test_the_machine_is_not_judged_by_the_policy_of_another_target(world: World, path: str) -> None:
    assert problem(world.served.ask("GET", path, token=world.bound)) == (403, "target-not-allowed")
    assert world.served.ask("GET", path.replace("app-", "other-"), token=world.bound).status_code == 200


def test_the_audit_log_is_that_of_its_runs_and_its_head_is_for_who_is_bound_to_nothing(world: World) -> None:
    served = world.served
    entries = served.get("/api/v1/audit?limit=200", token=world.bound)["entries"]
    assert {entry["subject"] for entry in entries} == {world.own["run"], world.own["check"]}
    assert problem(served.ask("GET", "/api/v1/audit/checkpoint", token=world.bound)) == (403, "target-not-allowed")
    first = served.get("/api/v1/audit?limit=2", token=world.bound)
    second = served.get(first["next"].removeprefix(served.url), token=world.bound)
    assert [*first["entries"], *second["entries"]][:3] == entries[:3]


def test_who_is_told_of_everything_is_not_shown_to_who_is_bound(world: World) -> None:
    assert problem(world.served.ask("GET", "/api/v1/webhooks", token=world.bound)) == (403, "target-not-allowed")


def _heard(world: World, token: str, query: str = "", seconds: float = 3.0) -> list[dict[str, Any]]:
    """The events that a listener is told within some seconds, from the first on."""
    found, until = [], time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(timeout=seconds) as client,
        client.stream("GET", f"{world.served.url}/api/v1/events?after=0{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        try:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    found.append(json.loads(line.removeprefix("data: ")))
                if time.monotonic() > until:
                    break
        except httpx.ReadTimeout:
            pass
    return found


def test_a_listener_hears_of_its_own_runs_alone(world: World) -> None:
    own = {world.own["run"], world.own["check"]}
    assert {event["run"] for event in _heard(world, world.bound)} == own
    assert _heard(world, world.bound, f"&run={world.hidden['run']}", 1.0) == []
    assert {event["run"] for event in _heard(world, world.served.token)} > own | {world.hidden["run"], world.hidden["check"]}


def test_a_listener_hears_what_happens_meanwhile_to_its_own_also_beside_others(world: World) -> None:
    served = world.served
    headers = {"Authorization": f"Bearer {world.bound}"}
    with httpx.Client(timeout=20) as client, client.stream("GET", f"{served.url}/api/v1/events", headers=headers) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": seatrial"
        served.over(served.post("/api/v1/runs", {"target": "app-main", "patch": UNFIT}, 202)["run"])
        run = served.post("/api/v1/runs", {"target": "other-main", "patch": UNFIT}, 202, token=world.bound)["run"]
        told = next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
    assert (told["run"], told["kind"]) == (run, "run.queued")
    served.over(run)
