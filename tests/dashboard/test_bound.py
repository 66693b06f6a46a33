"""What the pages show to whoever is bound to a target: nothing of others, and all of its own."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from testing.served import UNFIT, Served
from testing.tenants import HUSH, tenants


class World(NamedTuple):
    """A server of two targets, what there is of each, and a browser of somebody who is bound to `other-main`."""

    served: Served
    browser: httpx.Client
    hidden: dict[str, str]
    own: dict[str, str]


@contextmanager
def _signed_in(served: Served, token: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as browser:
        assert browser.post("/login", data={"token": token}).status_code == 303
        yield browser


@pytest.fixture(scope="module")
def world(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        tenants(tmp_path_factory.mktemp("bound")) as (served, hidden, own),
        _signed_in(served, served.token_for("read", "operate", "approve", targets=("other-main",))) as browser,
    ):
        yield World(served, browser, hidden, own)


def _pages(world: World) -> tuple[str, ...]:
    plain = ("/", "/trends", "/breakers", "/health", "/backups", "/policy", "/audit", "/parts/waiting", "/parts/runs")
    queries = (f"/audit?subject={world.hidden['run']}", "/?target=app-main", "/?who=hidden", "/policy?kind=target&name=app-main")
    things = [f"/runs/{world.hidden[which]}" for which in ("run", "check")] + [f"/backups/{world.hidden['backup']}", "/runs/latest"]
    return (*plain, *queries, *things, f"/parts/runs/{world.hidden['run']}?was=ended", "/audit?verify=true", "/health?target=app-main")


def _shown(world: World, browser: httpx.Client) -> dict[str, str]:
    """What each page has beyond the address that was asked for, which forms and links repeat."""
    found = {}
    for path in _pages(world):
        answer = browser.get(path)
        assert answer.status_code in (200, 403, 404), path
        given = re.search(r"(?:who|target|name|subject)=([^&]*)$", path)
        found[path] = answer.text.replace(given[1], "") if given else answer.text
    return found


def test_no_page_shows_anything_of_another_target(world: World) -> None:
    secrets = (*world.hidden.values(), *(one[:12] for one in world.hidden.values()), "app-main", "app.git", "hidden-author", HUSH)
    shown = _shown(world, world.browser)
    for path, text in shown.items():
        assert [secret for secret in secrets if secret in text] == [], path
    with _signed_in(world.served, world.served.token) as everything:
        told = "".join(_shown(world, everything).values())
    assert [secret for secret in secrets if secret not in told] == [], "then the test above shows nothing"


def test_its_own_are_on_the_pages(world: World) -> None:
    browser, own = world.browser, world.own
    first = browser.get("/").text
    assert own["run"] in first
    assert own["check"] in first
    assert ">2 ended<" in first
    assert browser.get(f"/runs/{own['run']}").status_code == 200
    assert browser.get(f"/runs/{own['check']}").status_code == 200
    assert own["backup"][:12] in browser.get("/backups").text
    assert browser.get(f"/backups/{own['backup']}").status_code == 200
    assert "other-main" in browser.get("/breakers").text
    assert own["run"] in browser.get("/audit").text


@pytest.mark.parametrize(
    ("what", "path"), [("run", "/runs/{}"), ("check", "/runs/{}"), ("run", "/parts/runs/{}?was=ended"), ("backup", "/backups/{}")]
)
def test_a_thing_of_another_target_is_not_there(world: World, what: str, path: str) -> None:
    answer = world.browser.get(path.format(world.hidden[what]))
    assert (answer.status_code, "There is nothing here" in answer.text) == (404, True)


def _signs(served: Served) -> set[tuple[str, float | None]]:
    return {(one["id"], one["verified"]) for one in served.get("/api/v1/backups")["backups"]}


def test_looking_at_a_backup_changes_nothing_and_what_would_change_is_asked_for_by_a_form_of_the_page(world: World) -> None:
    browser, backup = world.browser, world.own["backup"]
    before = _signs(world.served)
    page = browser.get(f"/backups/{backup}").text
    assert _signs(world.served) == before
    assert ("Show what would change" in page, 'name="reason"' in page) == (True, False)
    form = {"target": f"git:{world.served.folder}/other.git#refs/heads/main"}
    assert browser.post(f"/backups/{backup}/compare", data=form).status_code == 403
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    compared = browser.post(f"/backups/{backup}/compare", data={**form, "csrf": csrf[1]})
    assert (compared.status_code, "Not now" in compared.text or "would change, upon" in compared.text) == (200, True)
    hidden = browser.post(f"/backups/{world.hidden['backup']}/compare", data={**form, "csrf": csrf[1]})
    assert hidden.status_code == 404
    other = {"target": f"git:{world.served.bare}#refs/heads/main", "csrf": csrf[1]}
    assert "would change, upon" not in browser.post(f"/backups/{backup}/compare", data=other).text


def test_only_backups_of_its_targets_are_verified_by_a_token_that_is_bound(world: World) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', world.browser.get(f"/backups/{world.own['backup']}").text)
    assert csrf is not None
    answers = [world.browser.post(f"/backups/{one['backup']}/verify", data={"csrf": csrf[1]}) for one in (world.own, world.hidden)]
    assert [answer.status_code for answer in answers] == [303, 403]


def test_all_of_the_audit_log_is_verified_for_who_is_bound_to_nothing_alone(world: World) -> None:
    assert world.browser.get("/audit?verify=true").status_code == 403
    assert "Verify every entry" not in world.browser.get("/audit").text
    with _signed_in(world.served, world.served.token) as everything:
        assert "Verify every entry" in everything.get("/audit").text


def _told(world: World, target: str, *, while_it_loads: bool, seconds: float = 3.0) -> bool:
    """Whether a page is told that something has happened, while a run of that target comes and goes."""
    until = time.monotonic() + seconds + 60.0 * while_it_loads
    address = re.search(r'sse-connect="([^"]+)"', world.browser.get("/").text)
    assert address is not None

    def happens() -> None:
        world.served.over(world.served.post("/api/v1/runs", {"target": target, "patch": UNFIT}, 202)["run"])

    if while_it_loads:
        happens()
    with world.browser.stream("GET", address[1], timeout=seconds) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        if not while_it_loads:
            happens()
        try:
            for line in lines:
                if line == "event: change":
                    return True
                if time.monotonic() > until:
                    break
        except httpx.ReadTimeout:
            pass
    return False


@pytest.mark.parametrize("while_it_loads", [True, False])
def test_an_open_page_is_told_of_its_own_alone_and_of_what_came_while_it_was_loaded(world: World, *, while_it_loads: bool) -> None:
    assert not _told(world, "app-main", while_it_loads=while_it_loads)
    assert _told(world, "other-main", while_it_loads=while_it_loads)


def test_the_page_of_a_run_is_told_of_what_came_while_it_was_loaded(world: World) -> None:
    for _ in range(9):  # one of them is quick enough to be seen before its run is over
        run = world.served.post("/api/v1/runs", {"target": "other-main", "patch": UNFIT}, 202)["run"]
        address = re.search(r'sse-connect="(/live[^"]+)"', world.browser.get(f"/runs/{run}").text)
        world.served.over(run)
        if address:
            break
    assert address is not None
    with world.browser.stream("GET", address[1].replace("&amp;", "&"), timeout=10) as answer:
        assert "event: change" in answer.iter_lines()
