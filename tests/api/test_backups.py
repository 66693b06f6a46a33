"""`/api/v1/backups`: looked at, verified, pinned and restored."""

import pytest

from runner.vault.layout import Layout
from testing.landing import until
from testing.served import GOOD, Served, a_backup, problem, vault
from testing.whole import git

WHY = "because of the release"


def test_a_backup_is_listed_shown_pinned_and_let_go(served: Served) -> None:
    backup = a_backup(served)
    assert served.get("/api/v1/backups?target=app-main")["backups"][0]["id"] == backup
    shown = served.get(f"/api/v1/backups/{backup[:12]}?entries=true")
    assert (shown["id"], shown["files"], shown["entries"][0]["path"]) == (backup, 1, "a.txt")
    pinned = served.ask("PUT", f"/api/v1/backups/{backup}/pin", {"reason": WHY})
    assert pinned.json() == {"id": backup, "pinned": WHY}
    assert served.get("/api/v1/backups")["backups"][0]["pinned"] == WHY
    assert served.ask("PUT", f"/api/v1/backups/{backup}/pin", {"reason": None}).json()["pinned"] is None
    assert problem(served.ask("PUT", f"/api/v1/backups/{backup}/pin", {})) == (422, "invalid-request")
    assert problem(served.ask("GET", f"/api/v1/backups/{'0' * 64}")) == (404, "backup-unknown")


def test_a_damaged_backup_is_told_from_one_that_is_whole(served: Served) -> None:
    backup = a_backup(served, b"to be damaged\n")
    assert served.post(f"/api/v1/backups/{backup}/verify") == {"id": backup, "whole": True, "damages": []}
    with vault(served) as kept:
        (entry,) = kept.entries(backup)
    content = next(path for path in Layout(served.state).root.rglob("*") if path.name.endswith(entry.sha256[2:]) and path.is_file())
    content.chmod(0o600)
    content.write_bytes(b"something else")
    found = served.post(f"/api/v1/backups/{backup}/verify")
    assert (found["whole"], found["damages"][0]["paths"]) == (False, ["a.txt"])


def test_a_backup_of_what_the_server_does_not_serve_is_not_restored(served: Served) -> None:
    backup = a_backup(served, b"another's\n", target="dir:/srv/elsewhere")
    assert problem(served.ask("POST", f"/api/v1/backups/{backup}/restore", {"reason": WHY})) == (409, "target-not-served")
    asked = {"reason": WHY, "target": "app-main"}
    assert problem(served.ask("POST", f"/api/v1/backups/{backup}/restore", asked)) == (409, "backup-of-others")


@pytest.mark.docker
@pytest.mark.slow
def test_a_change_is_submitted_and_what_was_before_is_restored_by_a_run(served: Served) -> None:
    before = git(served.bare, "rev-parse", "main^{tree}")
    run = served.post("/api/v1/runs", {"target": "app-main", "patch": GOOD}, 202)["run"]
    assert served.over(run)["ending"] == "confirmed", served.log.read_text()
    (made,) = (one for one in served.get("/api/v1/backups?target=app-main")["backups"] if one["run"] == run)
    path = f"/api/v1/backups/{made['id']}/restore"
    dry = served.post(path, {"reason": WHY})
    assert (dry["dry_run"], dry["run"], dry["differ"]) == (True, None, len(dry["paths"]))
    assert dry["differ"] > 0
    assert git(served.bare, "rev-parse", "main^{tree}") != before
    begun = served.post(path, {"reason": WHY, "dry_run": False}, 202, key="restore")
    assert served.post(path, {"reason": WHY, "dry_run": False}, 202, key="restore") == begun
    assert served.over(begun["run"])["ending"] == "confirmed", served.log.read_text()
    assert git(served.bare, "rev-parse", "main^{tree}") == before
    (entry,) = until(lambda: served.get(f"/api/v1/audit?kind=backup.restored&subject={made['id']}")["entries"])
    assert entry["body"]["run"] == begun["run"]
