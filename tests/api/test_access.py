"""Who is let in where: a table over every route of the application."""

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from runner.model.run import Author, Command
from runner.store.runs import SqlRuns
from runner.store.tokens import SCOPES
from testing.served import UNFIT, Served, a_backup, application, problem, serving

OPEN = frozenset(["/livez", "/readyz", "/metrics", "/openapi.json", "/static"])
"""What anybody may ask who can reach the server."""
FILLED = {"run": "f" * 12, "backup": "f" * 64, "name": "host", "kind": "repo", "webhook": "f" * 12}
"""What no record has: whoever is refused must not learn that."""
WHY = {"reason": "because"}


class Route(NamedTuple):
    method: str
    path: str
    scope: str
    """Empty where no token is asked for."""
    instead: tuple[str, ...] = ()
    """Scopes that do as well."""

    @property
    def filled(self) -> str:
        return self.path.format_map(FILLED)


def _scopes(dependant: Dependant) -> Iterator[tuple[str, ...]]:
    for needed in dependant.dependencies:
        if getattr(needed.call, "__qualname__", "") == "needs.<locals>.token":
            asked = inspect.getclosurevars(needed.call).nonlocals  # type: ignore[arg-type]
            yield (str(asked["scope"]), *asked["instead"])
        yield from _scopes(needed)


def _routes() -> Iterator[Route]:
    """Those for programs: pages for people have sessions, and tests of their own."""
    for found in iter_route_contexts(application().routes):
        endpoint = getattr(found, "endpoint", None)
        if getattr(endpoint, "__module__", "").startswith("runner.api.dashboard"):
            continue
        dependant = getattr(found, "dependant", None)
        scopes = set(_scopes(dependant)) if dependant is not None else set()
        assert len(scopes) < 2, f"{found.path} asks for two tokens"
        for method in sorted((found.methods or {"GET"}) - {"HEAD"}):
            scope, *instead = next(iter(scopes), ("",))
            yield Route(method, str(found.path), scope, tuple(instead))


ROUTES = tuple(_routes())
GUARDED = tuple(route for route in ROUTES if route.scope)


@pytest.fixture(scope="module")
def served(own_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of two targets, of which `other-main` is of another repository."""
    folder = tmp_path_factory.mktemp("served")
    bare, policy = folder / "app.git", str(folder / "policy.yaml")
    repos = {name: {"path": str(bare), "policy": policy} for name in ("app", "other")}
    targets = {
        "app-main": {"target": f"git:{bare}#main", "repo": "app", "policy": policy},
        "other-main": {"target": f"git:{bare}#other", "repo": "other", "policy": policy},
    }
    with serving(folder, repos=repos, targets=targets) as found:
        yield found


@pytest.fixture(scope="module")
def idle(own_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that carries nothing: what it is asked for waits."""
    with serving(tmp_path_factory.mktemp("idle"), works=False) as found:
        yield found


@pytest.fixture(scope="module")
def refused(served: Served) -> dict[str, str]:
    """Tokens that are good for nothing, by the code of the problem that they meet."""
    revoked = served.token_for(*SCOPES)
    served.revoke(revoked)
    identity = served.token.split("_")[1]
    return {
        "token-revoked": revoked,
        "token-expired": served.token_for(*SCOPES, seconds=-1.0),
        "token-unknown": f"seatrial_{identity}_{'x' * 43}",
    }


def _bare(served: Served, route: Route, **headers: str) -> httpx.Response:
    return served.client.request(route.method, f"{served.url}{route.filled}", headers=headers)


def test_every_route_asks_for_a_token_but_the_few_that_anybody_may_ask() -> None:
    assert {route.path for route in ROUTES if not route.scope} == OPEN
    assert len(GUARDED) > 40
    assert {route.scope for route in GUARDED} == set(SCOPES)


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_whoever_has_no_token_is_let_in_nowhere(served: Served, route: Route) -> None:
    answer = _bare(served, route)
    assert problem(answer) == (401, "token-missing")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert problem(_bare(served, route, Authorization="Basic YTpi")) == (401, "token-missing")


@pytest.mark.parametrize("route", GUARDED, ids=str)
@pytest.mark.parametrize("code", ["token-revoked", "token-expired", "token-unknown"])
def test_a_token_that_is_good_for_nothing_is_let_in_nowhere(served: Served, refused: dict[str, str], route: Route, code: str) -> None:
    assert problem(_bare(served, route, Authorization=f"Bearer {refused[code]}")) == (401, code)


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_a_token_without_the_scope_is_refused_and_told_which_one_it_needs(served: Served, route: Route) -> None:
    others = tuple(scope for scope in SCOPES if scope not in (route.scope, *route.instead))
    answer = _bare(served, route, Authorization=f"Bearer {_token(served, others)}")
    assert problem(answer) == (403, "scope-missing")
    assert answer.json()["scope"] == route.scope


_made: dict[tuple[str, ...], str] = {}


def _token(served: Served, scopes: tuple[str, ...]) -> str:
    if scopes not in _made:
        _made[scopes] = served.token_for(*scopes)
    return _made[scopes]


# ── tokens that are bound to targets ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def known(served: Served) -> dict[str, str]:
    """A run to `app-main`, a check of `app`, and a backup of `app-main`, as path parameters and fields."""
    submitted = served.post("/api/v1/runs", {"target": "app-main", "patch": UNFIT}, 202)["run"]
    checked = served.post("/api/v1/runs", {"command": "check", "repo": "app", "patch": UNFIT}, 202)["run"]
    for run in (submitted, checked):
        served.over(run)
    return {"submitted": submitted, "checked": checked, "backup": a_backup(served, run=submitted)}


V0 = "/api/v0/self-modification"
ELSEWHERE: tuple[tuple[str, str, Any, str], ...] = (
    ("POST", "/api/v1/runs", {"target": "app-main", "patch": UNFIT}, "target-not-allowed"),
    ("POST", "/api/v1/runs", {"command": "check", "repo": "app", "patch": UNFIT}, "repo-not-allowed"),
    *(("POST", f"/api/v1/runs/{{submitted}}/{verb}", WHY, "target-not-allowed") for verb in ("approve", "deny", "cancel", "confirm")),
    ("POST", "/api/v1/runs/{submitted}/rollback", WHY, "target-not-allowed"),
    ("POST", "/api/v1/runs/{submitted}/retry", None, "target-not-allowed"),
    ("POST", "/api/v1/runs/{checked}/cancel", WHY, "repo-not-allowed"),
    ("POST", "/api/v1/runs/{checked}/retry", None, "repo-not-allowed"),
    ("POST", "/api/v1/breakers/host/state", {"state": "reset", **WHY}, "target-not-allowed"),
    ("POST", "/api/v1/breakers/promotion/state", {"state": "open", **WHY}, "target-not-allowed"),
    ("POST", "/api/v1/breakers/promotion/state", {"state": "open", "key": ["app-main"], **WHY}, "target-not-allowed"),
    ("POST", "/api/v1/breakers/author/state", {"state": "open", "key": ["repo:/x", "anne"], **WHY}, "target-not-allowed"),
    ("POST", "/api/v1/backups/{backup}/verify", None, "target-not-allowed"),
    ("POST", "/api/v1/backups/{backup}/restore", WHY, "target-not-allowed"),
    ("PUT", "/api/v1/backups/{backup}/pin", WHY, "target-not-allowed"),
    ("POST", f"{V0}/safety/circuit-breaker/reset", WHY, "target-not-allowed"),
    ("POST", f"{V0}/safety/backups/{{backup}}/restore", WHY, "target-not-allowed"),
    ("POST", f"{V0}/safety/enable", WHY, "target-not-allowed"),
    ("POST", f"{V0}/safety/disable", WHY, "target-not-allowed"),
    ("POST", f"{V0}/code/generate", {"patch": UNFIT, "target": "app-main"}, "target-not-allowed"),
    ("POST", f"{V0}/code/apply", {"modification_id": "{checked}"}, "repo-not-allowed"),
)


@pytest.mark.parametrize(("method", "path", "body", "code"), ELSEWHERE, ids=lambda given: given if isinstance(given, str) else "")
def test_a_token_that_is_bound_to_a_target_changes_nothing_of_another(
    served: Served, known: dict[str, str], method: str, path: str, body: Any, code: str
) -> None:
    bound = served.token_for(*SCOPES, targets=("other-main",))
    sent = {name: value.format_map(known) if name == "modification_id" else value for name, value in body.items()} if body else None
    assert problem(served.ask(method, path.format_map(known), sent, token=bound)) == (403, code)


def test_a_bound_token_is_not_told_whose_else_a_backup_is(served: Served, known: dict[str, str]) -> None:
    content = b"the same in both\n"
    backup = a_backup(served, content, f"git:{served.bare}#refs/heads/other", known["submitted"])
    assert a_backup(served, content, run=known["submitted"]) == backup
    bound = served.token_for(*SCOPES, targets=("other-main",))
    path = f"/api/v1/backups/{backup}/restore"
    assert "refs/heads/main" in served.ask("POST", path, WHY).text, "whoever is bound to nothing is told what it may be"
    for wish in (WHY, {**WHY, "target": "other-main"}):
        answer = served.ask("POST", path, wish, token=bound)
        assert "several" not in answer.text
        assert "refs/heads/main" not in answer.text
    assert problem(served.ask("POST", path, {**WHY, "target": "app-main"}, token=bound)) == (403, "target-not-allowed")


def test_every_route_that_changes_something_is_among_those_that_a_bound_token_is_refused_at() -> None:
    """Those about nothing of a target are named, so that a new route is thought about."""
    about_no_target = {"/api/v1/policies/validate"} | {route.path for route in ROUTES if route.path.startswith("/api/v1/webhooks")}
    changing = {route.path for route in GUARDED if route.method != "GET"} - about_no_target
    tried = {path.replace("{submitted}", "{run}").replace("{checked}", "{run}") for _, path, _, _ in ELSEWHERE}
    tried = {path if "/breakers/" not in path else "/api/v1/breakers/{name}/state" for path in tried}
    assert changing <= tried


def test_a_token_may_do_with_its_own_target_what_it_may_not_do_with_others(served: Served) -> None:
    bound = served.token_for(*SCOPES, targets=("other-main",))
    run = served.post("/api/v1/runs", {"target": "other-main", "patch": UNFIT}, 202, token=bound)["run"]
    served.over(run)
    assert served.post(f"/api/v1/runs/{run}/retry", status=202, token=bound)["run"]
    checked = served.post("/api/v1/runs", {"command": "check", "repo": "other", "patch": UNFIT}, 202, token=bound)["run"]
    served.over(checked)
    assert served.post(f"/api/v1/runs/{checked}/retry", status=202, token=bound)["run"]
    own = {"state": "open", "key": ["other-main"], "reason": "because", "time": "1s"}
    assert served.post("/api/v1/breakers/promotion/state", own, token=bound)["breakers"]


@pytest.mark.parametrize(
    ("name", "scopes", "status"),
    [
        ("carol", ("submit",), 202),
        ("carol", ("operate",), 202),
        ("dan", ("operate",), 202),
        ("dan", ("submit",), 403),
        ("dan", ("submit", "approve", "read", "safety:admin"), 403),
        ("carol", ("read", "approve"), 403),
    ],
)
def test_who_asked_for_a_run_may_cancel_it_and_others_must_operate(idle: Served, name: str, scopes: tuple[str, ...], status: int) -> None:
    run = idle.post("/api/v1/runs", {"target": "app-main", "patch": UNFIT}, 202, token=idle.token_for("submit", name="carol"))["run"]
    answer = idle.ask("POST", f"/api/v1/runs/{run}/cancel", WHY, token=idle.token_for(*scopes, name=name))
    assert answer.status_code == status, answer.text
    assert idle.get(f"/api/v1/runs/{run}")["summary"]["state"] == ("ended" if status == 202 else "queued")
    if status == 403:
        assert (problem(answer), answer.json()["scope"]) == ((403, "scope-missing"), "operate")


def test_whoever_asks_again_for_a_run_may_cancel_that_and_so_may_its_author(idle: Served) -> None:
    carol, dan = (idle.token_for("submit", name=name) for name in ("carol", "dan"))
    run = idle.post("/api/v1/runs", {"target": "app-main", "patch": UNFIT}, 202, token=carol)["run"]
    idle.post(f"/api/v1/runs/{run}/cancel", WHY, 202, token=carol)
    for token, other in ((dan, idle.token_for("submit", name="eve")), (carol, idle.token_for("submit", "read", name="eve"))):
        again = idle.post(f"/api/v1/runs/{run}/retry", None, 202, token=dan)["run"]
        assert problem(idle.ask("POST", f"/api/v1/runs/{again}/cancel", WHY, token=other)) == (403, "scope-missing")
        assert idle.post(f"/api/v1/runs/{again}/cancel", WHY, 202, token=token)["run"] == again


def test_what_no_server_was_asked_for_is_cancelled_by_who_operates_alone(served: Served) -> None:
    from testing.havens import a_run

    runs = SqlRuns(served.state)
    runs.begin(a_run("abcabcabcabc", author=Author(name="carol"), command=Command.CHECK))
    try:
        answer = served.ask("POST", "/api/v1/runs/abcabcabcabc/cancel", WHY, token=served.token_for("submit", name="carol"))
        assert problem(answer) == (403, "scope-missing")
    finally:
        runs.close()


def test_the_author_of_a_change_is_whose_token_it_is(served: Served) -> None:
    run = served.post("/api/v1/runs", {"target": "app-main", "patch": UNFIT}, 202, token=served.token_for("submit", name="carol"))["run"]
    (entry,) = served.get(f"/api/v1/audit?kind=run.queued&subject={run}")["entries"]
    assert entry["body"]["author"] == "carol"
