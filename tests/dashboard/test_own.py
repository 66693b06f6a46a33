"""What somebody who only submits may say to runs on the pages: to their own that they are to end, and nothing to those of others."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testing.served import UNFIT, Served, serving


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory, own_home: Path) -> Iterator[Served]:
    """A server that carries nothing: what it is asked for waits."""
    with serving(tmp_path_factory.mktemp("idle"), works=False) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "scopes", "may"),
    [
        ("bert", ("read", "submit"), True),
        ("cleo", ("read", "submit"), False),
        ("bert", ("read",), False),
        ("cleo", ("read", "operate"), True),
    ],
)
def test_who_has_asked_for_a_run_may_cancel_it_on_its_page(idle: Served, name: str, scopes: tuple[str, ...], may: bool) -> None:
    run = idle.post("/api/v1/runs", {"target": "app-main", "patch": UNFIT}, 202, token=idle.token_for("submit", name="bert"))["run"]
    with httpx.Client(base_url=idle.url) as browser:
        browser.post("/login", data={"token": idle.token_for(*scopes, name=name)})
        page = browser.get(f"/runs/{run}").text
        assert (f"/runs/{run}/cancel" in page) is may
        assert ("it needs the scope operate" in page) is not may
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/").text)
        assert csrf
        answer = browser.post(f"/runs/{run}/cancel", data={"csrf": csrf[1], "reason": "not needed"})
    assert answer.status_code == (303 if may else 403)
    assert idle.get(f"/api/v1/runs/{run}")["summary"]["state"] == ("ended" if may else "queued")
