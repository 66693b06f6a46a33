"""What patches, names and logs hold is shown and never interpreted."""

import pytest
from playwright.sync_api import expect

from testing.windows import HOSTILE, MARK, Look, Shop

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_a_patch_full_of_scripts_reads_as_text_and_runs_nothing(shop: Shop, look: Look) -> None:
    window = look(shop.server)
    window.go(f"/runs/{shop.runs['hostile']}")
    change = window.page.locator("#change")
    expect(change).to_contain_text(MARK)
    expect(change).to_contain_text("\\u202eevil\\x1b[2J\\x1b]0;title\\x07")
    expect(change).to_contain_text("{{ 7 * 7 }}")
    expect(change).to_contain_text("&lt;")
    expect(window.page.locator(".facts")).to_contain_text(HOSTILE["agent"])
    window.shoot("hostile")
    for path in (f"/runs/{shop.runs['hostile']}", "/", "/trends", "/audit", "/?who=<script>"):
        window.go(path)
        assert window.page.evaluate("window.struck") is None, path
        assert window.page.locator("main script, main svg[onload], main img").count() == 0, path
        body = window.page.locator("body").inner_text()
        assert not set(body) & {"\u202e", "\x1b", "\x07"}, path


def test_a_search_for_markup_comes_back_as_text(shop: Shop, look: Look) -> None:
    window = look(shop.server)
    window.go("/?who=%22%3E%3Cscript%3Ewindow.struck%20%3D%201%3C/script%3E&rule=%3Cb%3E")
    assert window.page.evaluate("window.struck") is None
    expect(window.page.get_by_label("Author or agent")).to_have_value('"><script>window.struck = 1</script>')
    expect(window.page.locator("#runs")).to_contain_text("No run is like that")


def test_the_browser_would_run_no_script_of_a_page_itself(shop: Shop, look: Look) -> None:
    window = look(shop.server)
    window.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=/static/icon.svg onload=\"window.struck = 1\">')")
    window.page.evaluate(
        "() => { const made = document.createElement('script'); made.text = 'window.struck = 1'; document.body.append(made); }"
    )
    window.page.wait_for_timeout(300)
    assert window.page.evaluate("window.struck") is None
    assert any("Content Security Policy" in problem for problem in window.problems)
    window.problems.clear()
