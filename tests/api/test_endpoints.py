"""`/api/v1/runs`, asked of a real server over a real record."""

import json
import os
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from runner.store import logs
from testing import commands
from testing.served import GOOD, UNFIT, Served, problem, whole

CHECK = {"command": "check", "repo": "app"}
WHY = "because of the release"


def a_run(served: Served, **more: Any) -> str:
    """A run that has ended: its change applies to nothing."""
    run = served.post("/api/v1/runs", {**CHECK, "patch": UNFIT, **more}, 202)["run"]
    assert served.over(run)["state"] == "ended"
    return str(run)


def test_a_diff_that_fits_nothing_is_a_rejected_run_with_results_and_findings(served: Served) -> None:
    run = a_run(served, agent="robot", ticket="OPS-9")
    shown = served.get(f"/api/v1/runs/{run}")
    assert (shown["summary"]["verdict"], shown["summary"]["exit_code"]) == ("reject", 1)
    assert shown["report"]["schema"] == "seatrial.report/v1"
    (intake,) = (one for one in served.get(f"/api/v1/runs/{run}/results")["results"] if one["check"] == "intake")
    assert intake["outcome"] == "fail"
    assert served.get(f"/api/v1/runs/{run}/findings")["run"] == run
    sarif = served.ask("GET", f"/api/v1/runs/{run}/findings?format=sarif")
    assert (sarif.headers["content-type"], sarif.json()["version"]) == ("application/sarif+json", "2.1.0")


def test_a_form_carries_a_change_whose_bytes_are_no_text(served: Served) -> None:
    change = UNFIT.encode() + b"\xff\xfe\n"
    asked = served.ask("POST", "/api/v1/runs", data=CHECK, files={"change": ("c.diff", change)})
    assert asked.status_code == 202, asked.text
    assert asked.headers["location"] == f"/api/v1/runs/{asked.json()['run']}"
    assert served.over(asked.json()["run"])["verdict"] == "reject"


def test_a_form_may_carry_json_edits_and_no_file_at_all(served: Served) -> None:
    edits = json.dumps([{"path": "nowhere.py", "delete": True}]).encode()
    asked = served.ask("POST", "/api/v1/runs", data=CHECK, files={"change": ("c.json", edits, "application/json")})
    assert "deletes 'nowhere.py'" in served.over(asked.json()["run"])["reason"]
    plain = served.ask("POST", "/api/v1/runs", files={name: (None, text) for name, text in {**CHECK, "patch": UNFIT}.items()})
    assert plain.status_code == 202, plain.text


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ({**CHECK, "patch": UNFIT}, {"change": ("c", b"x")}),
        ({**CHECK, "unknown": "x"}, {"change": ("c", b"x")}),
        (CHECK, {"other": ("c", b"x")}),
        ({**CHECK, "target": "app-main"}, {"change": ("c", b"x")}),
        ({"command": "check"}, {"change": ("c", b"x")}),
    ],
)
def test_a_form_that_is_not_as_it_must_be_is_refused(served: Served, fields: dict[str, str], files: dict[str, Any]) -> None:
    assert problem(served.ask("POST", "/api/v1/runs", data=fields, files=files)) == (422, "invalid-request")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**CHECK, "patch": "x", "edits": []}, "invalid-request"),
        (CHECK, "invalid-request"),
        ({**CHECK, "patch": "x", "agent": "a\x1b[31m"}, "invalid-request"),
        ({**CHECK, "revision": "--output=/tmp/x"}, "invalid-request"),
        ({**CHECK, "edits": [{"path": "a", "content": [1]}]}, "invalid-request"),
        ({"target": "nowhere", "patch": "x"}, "target-unknown"),
        ({"command": "check", "repo": "nowhere", "patch": "x"}, "repo-unknown"),
    ],
)
def test_a_body_that_is_not_as_it_must_be_is_refused(served: Served, body: dict[str, Any], code: str) -> None:
    assert problem(served.ask("POST", "/api/v1/runs", body)) == (422, code)


@pytest.mark.parametrize(
    ("body", "targets", "hint"),
    [
        ({"target": "app-mian", "patch": "x"}, (), "Did you mean 'app-main'? This token may use: app-main."),
        ({"target": "zzz", "patch": "x"}, ("app-main",), "This token may use: app-main."),
        ({"command": "check", "repo": "apq", "patch": "x"}, (), "Did you mean 'app'? This token may use: app."),
        ({"command": "check", "repo": "zzz", "patch": "x"}, ("gone",), "This token may use none."),
    ],
)
def test_a_name_that_there_is_none_of_is_refused_with_those_that_the_token_may_use(
    served: Served, body: dict[str, Any], targets: tuple[str, ...], hint: str
) -> None:
    answer = served.ask("POST", "/api/v1/runs", body, token=served.token_for("submit", targets=targets))
    assert answer.status_code == (403 if targets else 422)
    assert answer.json()["hint"] == hint


def test_a_change_is_called_what_its_client_calls_it_in_one_harmless_line(served: Served) -> None:
    for sent, shown in (("fix.diff", "fix.diff"), ("\u202e a  b" + "x" * 150, "\\u202e a b" + "x" * 89 + "…"), ("", "standard input")):
        run = served.post("/api/v1/runs", {**CHECK, "patch": UNFIT, "name": sent}, 202)["run"]
        served.over(run)
        change = served.get(f"/api/v1/runs/{run}")["report"]["change"]
        assert (change["head_label"], change["source"]) == (shown, "-")
    for wrong in ("a\nb", "x" * 201, "\x1b[2J"):
        assert problem(served.ask("POST", "/api/v1/runs", {**CHECK, "patch": UNFIT, "name": wrong})) == (422, "invalid-request")


def test_a_body_that_is_no_json_or_of_another_kind_is_refused(served: Served) -> None:
    def sent(content: str, media: str) -> httpx.Response:
        return served.ask("POST", "/api/v1/runs", content=content, headers={"Content-Type": media})

    assert problem(sent("{", "application/json")) == (422, "invalid-request")
    assert problem(sent("[" * 100_000, "application/json")) == (422, "invalid-request")
    assert problem(sent("patch=x", "application/x-www-form-urlencoded")) == (415, "media-type-unknown")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_revision_is_never_read_from_the_servers_disk(served: Served, kind: str) -> None:
    secret = served.folder / f"secret-{kind}"
    if kind == "file":
        secret.write_text(GOOD)
    else:
        secret.mkdir()
        (secret / "README.md").write_text("the secret")
    run = served.post("/api/v1/runs", {**CHECK, "revision": str(secret)}, 202)["run"]
    over = served.over(run)
    assert (over["ending"], over["verdict"]) == ("failed", None)
    assert over["change"] == ""


def test_the_same_key_gives_the_same_run_and_nothing_is_done_twice(served: Served) -> None:
    body = {**CHECK, "patch": UNFIT}
    first, again = (served.ask("POST", "/api/v1/runs", body, key="one key") for _ in range(2))
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert problem(served.ask("POST", "/api/v1/runs", {**body, "ticket": "x"}, key="one key")) == (422, "key-used")
    bare = httpx.post(f"{served.url}/api/v1/runs", json=body, headers={"Authorization": f"Bearer {served.token}"})
    assert problem(bare) == (400, "key-missing")
    served.over(first.json()["run"])


def test_runs_are_listed_in_pages_without_a_gap(served: Served) -> None:
    made = [a_run(served) for _ in range(3)]
    first = served.get("/api/v1/runs?limit=2")
    second = httpx.get(first["next"], headers={"Authorization": f"Bearer {served.token}"}).json()
    listed = [run["run"] for page in (first, second) for run in page["runs"]]
    assert listed[:3] == made[::-1]
    assert problem(served.ask("GET", "/api/v1/runs?after=nonsense")) == (422, "cursor-unknown")
    assert problem(served.ask("GET", "/api/v1/runs/ffffffffffff")) == (404, "run-unknown")


def test_runs_to_a_target_are_found_by_its_name_also_once_they_were_read(served: Served) -> None:
    run = served.post("/api/v1/runs", {"target": "app-main", "patch": UNFIT}, 202)["run"]
    key = served.over(run)["target"]
    assert key == whole(served)
    for called, found in (("app-main", True), (key, True), ("elsewhere", False), ("dir:/elsewhere", False)):
        runs = served.get(f"/api/v1/runs?limit=200&target={quote(called)}")["runs"]
        assert (run in [one["run"] for one in runs]) == found, called
        assert all(one["target"] in ("app-main", key) for one in runs)


def test_a_part_of_a_log_can_be_had(served: Served) -> None:
    run = a_run(served)
    logs.save(served.state, run, {"base": "0123456789<script>"})
    part = served.ask("GET", f"/api/v1/runs/{run}/logs?suite=base", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "234", "bytes 2-4/18")
    assert part.headers["content-type"].startswith("text/plain")
    for wanted in ("bytes=-8", "bytes=10-", "bytes=10-99"):
        assert served.ask("GET", f"/api/v1/runs/{run}/logs?suite=base", headers={"Range": wanted}).text == "<script>"
    for odd in (b"bytes=\xb2-", b"bytes=-", b"lines=1-2", b"bytes=1-2,4-5"):  # whoever asks for no range gets all
        assert served.ask("GET", f"/api/v1/runs/{run}/logs?suite=base", headers={"Range": odd}).status_code == 200
    assert problem(served.ask("GET", f"/api/v1/runs/{run}/logs?suite=base", headers={"Range": "bytes=99-"})) == (416, "range-empty")
    assert problem(served.ask("GET", f"/api/v1/runs/{run}/logs?suite=nowhere")) == (404, "log-unknown")


def test_what_was_asked_is_asked_again_as_a_run_of_the_same_author(served: Served) -> None:
    run = a_run(served)
    other = served.token_for("submit", "read", name="bert")
    again = served.post(f"/api/v1/runs/{run}/retry", status=202, token=other, key="again")["run"]
    assert again != run
    assert served.over(again)["verdict"] == "reject"
    queued = served.get(f"/api/v1/audit?kind=run.queued&subject={again}")["entries"][0]["body"]
    assert queued["author"] == "anne"
    assert served.post(f"/api/v1/runs/{run}/retry", status=202, token=other, key="again")["run"] == again


def test_a_run_that_was_not_asked_of_a_server_is_not_retried_by_one(served: Served) -> None:
    patch = served.folder / "unfit.diff"
    patch.write_text(UNFIT)
    argv = ["check", str(patch), "--repo", str(served.bare), "--policy", str(served.policy), "--format", "json"]
    done = commands.run(argv, env={**os.environ, **served.env}, text=True, cwd=served.folder)
    run = json.loads(done.stdout)["run"]
    assert problem(served.ask("POST", f"/api/v1/runs/{run}/retry")) == (409, "not-asked-here")


def test_what_cannot_be_decided_about_a_run_that_has_ended_is_a_conflict(served: Served) -> None:
    run = a_run(served)
    for verb in ("approve", "deny", "cancel", "confirm", "rollback"):
        assert problem(served.ask("POST", f"/api/v1/runs/{run}/{verb}", {"reason": WHY})) == (409, "usage")
        assert problem(served.ask("POST", f"/api/v1/runs/{run}/{verb}", {"reason": " "})) == (422, "invalid-request")
