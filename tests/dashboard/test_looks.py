"""Every page as a browser shows it: no serious fault by axe in light, dark and on a phone, nothing wider than the screen, and pictures of it."""

import json
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from testing.whole import ROOT
from testing.windows import Look, Shop, Window

pytestmark = [pytest.mark.docker, pytest.mark.slow]
AXE: Final = (ROOT / "testing/assets/axe-core/axe.min.js").read_text()
MODES: Final = (("light", 1280, "light"), ("dark", 1280, "dark"), ("phone", 390, "light"), ("phone-dark", 390, "dark"))
RUNS: Final = ("held", "confirmed", "rejected", "checked", "hostile")
PAGES: Final = ("home", *RUNS, "trends", "breakers", "health", "backups", "backup", "compared", "policy", "audit", "login", "error")


def path_of(name: str, shop: Shop) -> str:
    if name in ("backup", "compared"):
        return f"/backups/{shop.server.get('/api/v1/backups')['backups'][0]['id']}"
    fixed = {"home": "/", "error": "/runs/ffffffffffff", "login": "/login?to=/audit"}
    return f"/runs/{shop.runs[name]}" if name in shop.runs else fixed.get(name, f"/{name}")


def faults(window: Window) -> list[dict[str, Any]]:
    """What axe finds that is serious or worse."""
    found = window.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    return [
        {"id": one["id"], "where": [node["html"][:200] for node in one["nodes"][:3]], "why": one["nodes"][0]["failureSummary"]}
        for one in serious
    ]


@pytest.mark.parametrize("modes", [MODES[:3], pytest.param(MODES[3:], marks=pytest.mark.long)], ids=["each", "both at once"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_fault_and_fits_its_screen(
    shop: Shop, look: Look, name: str, modes: tuple[tuple[str, int, str], ...]
) -> None:
    window = look(shop.server, token=None) if name == "login" else look(shop.server, at=path_of(name, shop))
    page = window.page
    if name == "login":
        window.go(path_of(name, shop))
    if name == "error":
        window.problems.clear()  # the browser itself says that the page was answered with 404
    if name == "compared":
        page.get_by_role("button", name="Show what would change").first.click()
        page.wait_for_url("**/compare")
    page.evaluate(AXE)  # the tools of a browser may do what no page may
    for mode, width, scheme in modes:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        if name == "trends":
            expect(page.locator("#chart canvas")).to_be_visible()
        window.shoot(f"{name}-{mode}")
        found = faults(window)
        assert found == [], f"{mode}: {json.dumps(found, indent=1)}"
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
            f"{mode}: wider than the screen"
        )
