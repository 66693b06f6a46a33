"""Who is let in, to what, and for how long: asked as a program would, without a browser."""

import re
from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from testing.served import Served, serving
from testing.whole import ROOT

PAGES = (
    "/",
    "/trends",
    "/breakers",
    "/health",
    "/backups",
    "/policy",
    "/audit",
    "/parts/waiting",
    "/parts/runs",
    "/live",
    "/runs/abc",
    "/backups/abc",
)
ADDRESSES = count(1)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
VENDORED = {"htmx-ext-sse.min.js": "98a46496de0c3605", "htmx.min.js": "d6fdc75f204e6bde", "uPlot.iife.min.js": "19c8d4c6ad88929a"}
FORMS = ("/runs/abc/approve", "/breakers", "/backups/abc/verify", "/backups/abc/compare", "/backups/abc/restore", "/logout")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, own_home: object) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("access")) as made:
        yield made


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    """Each from an address of its own, since attempts to sign in are counted by it."""
    with httpx.Client(base_url=server.url, headers={"X-Forwarded-For": f"10.0.0.{next(ADDRESSES)}"}) as made:
        yield made


def signed_in(client: httpx.Client, token: str) -> str:
    """Sign in; what forms have to bring."""
    answer = client.post("/login", data={"token": token})
    assert answer.status_code == 303, answer.text
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_a_session(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text) in ((303, ""), (401, ""))
    assert answer.headers.get("location", answer.headers.get("hx-redirect", "")).startswith("/login")


@pytest.mark.parametrize("path", FORMS)
def test_nobody_sends_a_form_without_a_session(client: httpx.Client, path: str) -> None:
    answer = client.post(path, data={"reason": "x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_a_bearer_token_alone_opens_no_page_and_a_cookie_alone_no_interface(client: httpx.Client, server: Served) -> None:
    assert client.get("/", headers={"Authorization": f"Bearer {server.token}"}).status_code == 303
    signed_in(client, server.token)
    assert client.get("/api/v1/runs").status_code == 401


def test_the_cookie_is_for_this_server_and_out_of_reach_of_scripts(client: httpx.Client, server: Served) -> None:
    answer = client.post("/login", data={"token": server.token})
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    assert server.token.split("_", 2)[2].lower() not in cookie
    behind = client.post("/login", data={"token": server.token}, headers={"X-Forwarded-Proto": "https"})
    assert "secure" in behind.headers["set-cookie"].lower()


@pytest.mark.parametrize(("scopes", "seconds", "words"), [(("submit",), 60.0, "may not read"), (("read",), 0.0, "expired")])
def test_a_token_that_is_good_for_nothing_here_lets_nobody_in(
    client: httpx.Client, server: Served, scopes: tuple[str, ...], seconds: float, words: str
) -> None:
    answer = client.post("/login", data={"token": server.token_for(*scopes, seconds=seconds)})
    assert (answer.status_code, words in answer.text, "set-cookie" in answer.headers) == (401, True, False)


@pytest.mark.parametrize("token", ["", "x", "seatrial_0_0", "'; drop table tokens; --", "\x00", "\N{SAILBOAT}" * 10])
def test_what_is_no_token_lets_nobody_in(client: httpx.Client, token: str) -> None:
    answer = client.post("/login", data={"token": token})
    assert answer.status_code == 401
    assert "never made here" in answer.text


def test_a_revoked_token_ends_its_sessions(client: httpx.Client, server: Served) -> None:
    token = server.token_for("read")
    signed_in(client, token)
    assert client.get("/trends").status_code == 200
    server.revoke(token)
    assert client.get("/trends").status_code == 303
    assert client.get("/parts/runs", headers={"HX-Request": "true"}).headers["hx-redirect"] == "/login"


def test_signing_out_ends_the_session_for_whoever_has_kept_the_cookie(client: httpx.Client, server: Served) -> None:
    csrf = signed_in(client, server.token)
    kept = dict(client.cookies)
    assert client.post("/logout", data={"csrf": csrf}).status_code == 303
    client.cookies.update(kept)
    assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    ("csrf", "headers", "status"),
    [
        ("", {}, 403),
        ("wrong", {}, 403),
        (None, {"Sec-Fetch-Site": "cross-site"}, 403),
        (None, {"Sec-Fetch-Site": "same-site"}, 403),
        (None, {"Origin": "http://elsewhere.example"}, 403),
        (None, {"Origin": "null"}, 403),
        (None, {"Sec-Fetch-Site": "same-origin"}, 303),
        (None, {}, 303),
    ],
)
def test_a_form_of_another_site_does_nothing(
    client: httpx.Client, server: Served, csrf: str | None, headers: dict[str, str], status: int
) -> None:
    own = signed_in(client, server.token)
    form = {"csrf": own if csrf is None else csrf, "kind": "host", "to": "open", "key": f"h{status}", "reason": "a try"}
    assert client.post("/breakers", data=form, headers=headers).status_code == status


def test_another_session_s_secret_opens_nothing(client: httpx.Client, server: Served) -> None:
    theirs = signed_in(client, server.token)
    client.cookies.clear()
    signed_in(client, server.token)
    assert client.post("/logout", data={"csrf": theirs}).status_code == 403


@pytest.mark.parametrize(
    "to", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "\\\\x", "/a\r\nX: y", "javascript:1", ""]
)
def test_signing_in_leads_to_no_other_site(client: httpx.Client, server: Served, to: str) -> None:
    answer = client.post("/login", data={"token": server.token, "to": to})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_signing_in_leads_back_to_the_page_that_was_asked_for(client: httpx.Client, server: Served) -> None:
    first = client.get("/audit?kind=run.ended")
    assert first.headers["location"] == "/login?to=%2Faudit%3Fkind%3Drun.ended"
    assert 'value="/audit?kind=run.ended"' in client.get(first.headers["location"]).text
    assert client.post("/login", data={"token": server.token, "to": "/audit?kind=run.ended"}).headers["location"] == "/audit?kind=run.ended"


def test_wrong_tokens_are_tried_ten_times_a_minute_and_keep_nobody_out_who_has_a_right_one(server: Served) -> None:
    with httpx.Client(base_url=server.url, headers={"X-Forwarded-For": "10.9.9.9"}) as client:
        tries = [client.post("/login", data={"token": "x"}) for _ in range(11)]
        assert [one.status_code for one in tries] == [401] * 10 + [429]
        assert tries[-1].headers["retry-after"] == "60"
        assert client.post("/login", data={"token": server.token}).status_code == 303


@pytest.mark.parametrize("path", ["/", "/login", "/runs/ffff", "/static/seatrial.js", "/nothing-here"])
def test_every_page_lets_the_browser_run_our_own_scripts_only(client: httpx.Client, server: Served, path: str) -> None:
    signed_in(client, server.token)
    answer = client.get(path, headers={"Accept": BROWSER})
    policy = answer.headers["content-security-policy"]
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(
        policy.split("; ")
    )
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?! src=)|<style| style=| on[a-z]+=", answer.text) or path.startswith("/static")


@pytest.mark.parametrize("path", ["/nothing-here", "/runs", "/runs/a/b/c", "/apiary", "/static/nothing", "/%3Cscript%3E"])
def test_a_browser_that_asks_for_a_page_that_there_is_none_of_has_a_page_that_says_so(
    client: httpx.Client, server: Served, path: str
) -> None:
    for known in (False, True):
        if known:
            signed_in(client, server.token)
        answer = client.get(path, headers={"Accept": BROWSER})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "There is nothing here" in answer.text
        assert ("To the runs" in answer.text, "Sign in" in answer.text) == (known, not known)
        assert "<script>" not in answer.text


def test_a_form_that_is_sent_to_a_page_without_one_is_told_so(client: httpx.Client) -> None:
    answer = client.post("/trends", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["content-type"], answer.headers["allow"]) == (405, "text/html; charset=utf-8", "GET")


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/v1/nothing", BROWSER),
        ("/api", BROWSER),
        ("/nothing-here", "*/*"),
        ("/nothing-here", "application/json"),
        ("/nothing-here", ""),
    ],
)
def test_programs_have_a_problem_where_there_is_nothing(client: httpx.Client, path: str, accept: str) -> None:
    answer = client.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not-found"


def test_files_beside_the_static_ones_cannot_be_had(client: httpx.Client) -> None:
    for path in ("/static/../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fpages.py", "/static/", "/static/vendor"):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    ("scopes", "path", "form", "status"),
    [
        (("read",), "/breakers", {"kind": "host", "to": "open", "reason": "x"}, 403),
        (("read", "approve"), "/breakers", {"kind": "host", "to": "open", "reason": "x"}, 403),
        (("read", "operate"), "/breakers", {"kind": "host", "to": "open", "key": "here", "reason": "x"}, 303),
        (("read", "operate"), "/breakers", {"kind": "host", "to": "open", "key": "here", "reason": " "}, 422),
        (("read", "operate"), "/breakers", {"kind": "host", "to": "open", "key": "here"}, 422),
        (("read", "operate"), "/breakers", {"kind": "moon", "to": "open", "reason": "x"}, 422),
        (("read", "operate"), "/breakers", {"kind": "host", "to": "open", "reason": "x" * 501}, 422),
    ],
)
def test_what_a_form_may_do_is_what_the_token_may(
    client: httpx.Client, server: Served, scopes: tuple[str, ...], path: str, form: dict[str, str], status: int
) -> None:
    csrf = signed_in(client, server.token_for(*scopes))
    assert client.post(path, data={"csrf": csrf, **form}).status_code == status


def test_a_token_that_is_bound_to_a_target_decides_about_no_other(client: httpx.Client, server: Served) -> None:
    csrf = signed_in(client, server.token_for("read", "operate", targets=("app-main",)))
    form = {"csrf": csrf, "to": "open", "reason": "x"}
    assert client.post("/breakers", data={**form, "kind": "host", "key": "here"}).status_code == 403
    assert client.post("/breakers", data={**form, "kind": "promotion"}).status_code == 403
    assert client.post("/breakers", data={**form, "kind": "promotion", "key": "dir:/elsewhere"}).status_code == 403
    assert client.post("/breakers", data={**form, "kind": "promotion", "key": "app-main", "time": "30m"}).status_code == 303
    assert client.post("/breakers", data={**form, "kind": "promotion", "key": "app-main", "to": "reset"}).status_code == 303


def test_the_assets_are_those_that_were_vendored() -> None:
    """Whoever changes one of them by hand must change its digest here."""
    from hashlib import sha256

    folder = ROOT / "runner/api/dashboard/static/vendor"
    found = {file.name: sha256(file.read_bytes()).hexdigest()[:16] for file in folder.glob("*.js")}
    assert found == VENDORED
    assert {file.name for file in folder.glob("*.LICENSE")} == {"htmx.LICENSE", "htmx-ext-sse.LICENSE", "uPlot.LICENSE"}
