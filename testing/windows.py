"""A browser, pages of it that must stay free of errors, and a server with runs of every kind."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from testing.served import GOOD, Served, serving
from testing.whole import ROOT

CHROMIUM = Path(os.environ.get("SEATRIAL_CHROMIUM", "/usr/bin/chromium"))
SHOTS = ROOT / "out" / "screenshots"
BROKEN = (ROOT / "examples/changes/broken.diff").read_text()
CONFTEST = "tests/conftest.py"
_BIDI, _ESCAPE = "\u202e", "\x1b"
MARK = "<script>window.struck = 1</script>"
"""What must never run."""


@dataclass
class Window:
    """A page of a browser, and what went wrong in it."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the server."""
        self.page.goto(f"{self.url}{path}")

    def sign_in(self, token: str, to: str = "/") -> None:
        """Through the form."""
        self.go(f"/login?to={to}")
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}{to}")

    def shoot(self, name: str) -> None:
        """Write what it looks like where a person can look at it; the caret is left alone, or else inputs have a style that htmx carries on."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True, caret="initial")


Look = Callable[..., Window]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while it is there, this thread has an event loop, which other tests must not find."""
    if not CHROMIUM.exists():
        why = f"this test needs a browser: there is no {CHROMIUM}; scripts/browser.sh installs it"
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(why, pytrace=False)
        pytest.skip(f"NOT RUN, {why}")
    with sync_playwright() as tools:
        made = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def signed_in() -> dict[tuple[str, str], Any]:
    """What a browser keeps of each session: one signs in only so often within a minute."""
    return {}


@pytest.fixture
def look(browser: Browser, signed_in: dict[tuple[str, str], Any]) -> Iterator[Look]:
    """Opens a window; at the end none of them may have seen an error, a blocked script or style, or a dialog."""
    opened: list[tuple[BrowserContext, Window]] = []

    def make(server: Served, *, token: str | None = "", at: str = "/") -> Window:
        who = (server.url, token or server.token)
        kept = signed_in.get(who) if token is not None else None
        context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", storage_state=kept)
        context.set_default_timeout(15_000)
        window = Window(context.new_page(), server.url)
        window.page.on(
            "console", lambda said: window.problems.append(f"{said.text} {said.location}") if said.type in ("error", "warning") else None
        )
        window.page.on("pageerror", lambda error: window.problems.append(str(error)))
        window.page.on("dialog", lambda dialog: (window.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        opened.append((context, window))
        if kept is not None:
            window.go(at)
        elif token is not None:
            window.sign_in(who[1], at)
            signed_in[who] = context.storage_state()
        return window

    yield make
    for context, _ in opened:
        context.close()
    problems = [problem for _, window in opened for problem in window.problems]
    assert not problems, problems


@dataclass
class Shop:
    """A server, and runs of every kind that it has."""

    server: Served
    runs: dict[str, str]


def touchy(text: str) -> list[dict[str, str]]:
    """JSON edits that a person must look at: they touch what sets up the tests."""
    return [{"path": CONFTEST, "content": f"# {text}\n"}]


def submit(server: Served, **asked: Any) -> str:
    """Ask for a change to be carried to the target; the run."""
    return str(server.post("/api/v1/runs", {"target": "app-main", **asked}, 202)["run"])


def hostile_edits() -> list[dict[str, str]]:
    """Files whose names and contents do all that they can to be more than text."""
    lines = [
        MARK,
        "<img src=x onerror='window.struck = 1'>",
        f"{_BIDI}evil{_ESCAPE}[2J{_ESCAPE}]0;title\x07",
        "{{ 7 * 7 }} {% raw %}",
        "&lt;",
    ]
    text = "".join(f"# {line}\n" for line in lines)
    return [
        {"path": 'src/berth/"><script>window.struck = 1<', "content": text},
        {"path": f"src/berth/{_BIDI}txt.exe", "content": text},
        {"path": "docs/javascript:alert(1).md", "content": "[x](javascript:alert(1))\n"},
    ]


HOSTILE = {"agent": "<svg onload='window.struck = 1'>", "ticket": '"><script>window.struck = 1</script>'}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, own_home: Path) -> Iterator[Shop]:
    """One that was confirmed, one that is held, one that is rejected, one that attacks whoever looks at it, and a check."""
    with serving(tmp_path_factory.mktemp("shop")) as server:
        bert = server.token_for("read", "submit", name="bert")
        ask = {"token": bert}
        runs: dict[str, str] = {}

        def put(**asked: dict[str, Any]) -> None:
            runs.update({name: str(server.post("/api/v1/runs", body, 202, **ask)["run"]) for name, body in asked.items()})
            for name in asked:
                server.over(runs[name])

        put(rejected={"target": "app-main", "patch": BROKEN}, checked={"command": "check", "repo": "app", "patch": BROKEN})
        put(confirmed={"target": "app-main", "patch": GOOD, "agent": "mender"})
        put(
            held={"target": "app-main", "edits": touchy("one"), "agent": "mender", "ticket": "OPS-7"},
            hostile={"target": "app-main", "edits": hostile_edits(), **HOSTILE},
        )
        yield Shop(server, runs)
