"""A person's day in a real browser: watching a run live, approving it, taking it back, putting a backup back."""

import re

import pytest
from playwright.sync_api import expect

from testing.served import Served
from testing.whole import git
from testing.windows import CONFTEST, Look, Shop, submit, touchy

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def main_of(server: Served) -> str:
    return git(server.bare, "rev-parse", "main").strip()


def test_a_run_is_watched_approved_taken_back_and_its_backup_is_restored(shop: Shop, look: Look) -> None:
    server = shop.server
    window = look(server)
    page = window.page
    expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()
    before = main_of(server)

    bert = server.token_for("read", "submit", name="bert")
    change = touchy("two")
    run = str(server.post("/api/v1/runs", {"target": "app-main", "edits": change, "agent": "mender"}, 202, token=bert)["run"])
    row = page.locator("#runs tr", has_text=run)
    expect(row).to_be_visible()  # nobody has reloaded the page
    card = page.locator("#waiting article", has_text=run)
    expect(card).to_be_visible(timeout=90_000)
    expect(row).to_contain_text("held")
    window.shoot("journey-waiting")

    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("held")
    expect(page.locator("#change")).to_contain_text(CONFTEST)
    expect(page.locator(".line li.hold")).to_contain_text("backup")
    window.shoot("journey-held")
    page.get_by_label("Your reason").fill("read it, it says the same")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".said.good")).to_contain_text("approved")
    expect(page.get_by_role("heading", level=1)).to_contain_text("confirmed", timeout=90_000)  # by itself
    assert main_of(server) != before
    window.shoot("journey-confirmed")

    page.get_by_label("Your reason").fill("not today")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("rolled back", timeout=90_000)
    assert git(server.bare, "rev-parse", "main^{tree}") == git(server.bare, "rev-parse", f"{before}^{{tree}}")
    expect(page.locator(".history")).to_contain_text("anne")

    window.go(f"/runs/{shop.runs['confirmed']}")
    page.locator(".facts a", has_text=re.compile("^[0-9a-f]{12}$")).click()
    page.locator("th a").first.click()
    page.get_by_role("button", name="Verify").click()
    expect(page.locator(".said.good")).to_contain_text("whole")
    oldest = server.get("/api/v1/backups")["backups"][-1]["id"]
    window.go(f"/backups/{oldest}")
    page.get_by_role("button", name="Show what would change").first.click()
    expect(page.locator("main")).to_contain_text("would change, upon")
    window.shoot("journey-backup")
    page.get_by_label("Your reason").fill("back to the beginning")
    page.get_by_role("button", name="Restore").click()
    page.wait_for_url(re.compile("/runs/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("confirmed", timeout=90_000)
    assert git(server.bare, "rev-parse", "main^{tree}") == git(server.folder / "work", "rev-parse", "main^{tree}")


def test_what_somebody_is_writing_is_not_taken_away_by_what_happens_meanwhile(shop: Shop, look: Look) -> None:
    window = look(shop.server)
    field = window.page.locator(f"#reason-{shop.runs['held']}")
    field.fill("half a sen")
    before = window.page.locator("#runs .counts").inner_text()
    submit(shop.server, patch="diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
    expect(window.page.locator("#runs .counts")).not_to_have_text(before, timeout=30_000)
    expect(field).to_have_value("half a sen")


def test_a_person_denies_in_place_and_the_first_page_says_so(shop: Shop, look: Look) -> None:
    server = shop.server
    change = touchy("three")
    run = str(
        server.post("/api/v1/runs", {"target": "app-main", "edits": change}, 202, token=server.token_for("submit", "read", name="cleo"))[
            "run"
        ]
    )
    assert server.over(run)["state"] == "held"
    window = look(server)
    card = window.page.locator("#waiting article", has_text=run)
    card.get_by_label("Your reason").fill("no")
    card.get_by_role("button", name="Deny").click()
    expect(window.page.locator(".said.good")).to_contain_text(run)
    expect(window.page.locator("#runs tr", has_text=run)).to_contain_text("rejected", timeout=30_000)


def test_the_author_of_a_change_is_told_that_somebody_else_must_look(shop: Shop, look: Look) -> None:
    token = shop.server.token_for("read", "approve", name="bert")
    window = look(shop.server, token=token)
    card = window.page.locator("#waiting article", has_text=shop.runs["held"])
    card.get_by_label("Your reason").fill("mine, and fine")
    card.get_by_role("button", name="Approve").click()
    expect(window.page.get_by_role("alert")).to_contain_text("cannot approve it")
    assert shop.server.over(shop.runs["held"])["state"] == "held"


def test_a_page_works_by_keyboard_alone(shop: Shop, look: Look) -> None:
    window = look(shop.server)
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.className") == "skip"
    window.page.keyboard.press("Enter")
    assert window.page.evaluate("document.activeElement.id") == "main"
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.closest('#main') !== null")


def test_without_scripts_everything_can_still_be_read_and_answered(shop: Shop, browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop.server.url}/login")
    page.get_by_label("Token").fill(shop.server.token)
    page.get_by_role("button", name="Sign in").click()
    assert page.locator("#waiting article").count() >= 1
    page.goto(f"{shop.server.url}/runs/{shop.runs['held']}")
    assert CONFTEST in page.locator("#change").inner_text()
    assert page.get_by_role("button", name="Approve", exact=True).is_visible()
    context.close()
