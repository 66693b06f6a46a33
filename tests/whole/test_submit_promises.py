"""The promises of the design that a submission keeps, each broken on purpose from outside."""

import json
import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from testing.landing import GOOD, Landing, frozen_at, killed_at, until
from testing.whole import commit, git

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
KINDS = pytest.mark.parametrize("kind", ["git", "dir"])
SELDOM = pytest.mark.long
"""The same with the other kind of target, or another signal, is left to the long tier."""


# ── 2: what was tried is what is promoted ────────────────────────────────────────────────────────────────────────────


def test_promise_2_a_target_that_moved_meanwhile_gets_what_was_tried_upon_its_new_base(landing: Landing) -> None:
    target = landing.git
    process = landing.submitting(landing.slow(4), target)
    process.comes_to("trial")
    theirs = landing.land_by_others({"THEIRS.md": "theirs\n"})
    done = process.ended()
    report = done.report
    assert (done.code, report["ending"]) == (0, "confirmed"), done
    assert git(landing.bare, "rev-parse", "main^").strip() == theirs == report["change"]["base"]
    assert landing.tree("git") == report["change"]["tree"] == report["promotion"]["after"]
    assert report["promotion"]["before"] == git(landing.bare, "rev-parse", "main^^{tree}").strip()
    assert any(note.startswith("attempt 1 was upon main") for note in report["notes"])
    assert "attempt 2" in done.err


@KINDS
@pytest.mark.parametrize("marker", [pytest.param("promote.prepared", marks=SELDOM), "promote.rechecked"])
def test_promise_2_a_target_that_moves_at_the_last_moment_is_never_overwritten(
    kind: str, marker: str, landing: Landing, tmp_path: Path
) -> None:
    target, sign, go = landing.target(kind), tmp_path / "sign", tmp_path / "go"
    process = landing.submitting(GOOD, target, before=frozen_at(marker, sign, go))
    until(sign.exists, why=lambda: process.err)
    if kind == "git":
        theirs = landing.land_by_others({"THEIRS.md": "theirs\n"})
    else:
        (landing.live / "README.md").write_text("edited by hand\n")
    go.touch()
    done = process.ended()
    if kind == "git":
        assert (done.code, git(landing.bare, "rev-parse", "main^").strip()) == (0, theirs), done
    else:  # nobody knows what that tree is
        assert (done.code, done.report["state"], done.report["promotion"]) == (3, "held", None), done
        assert (landing.live / "README.md").read_text() == "edited by hand\n"
        assert "README.md" in done.report["reason"]


def test_promise_2_a_tree_that_was_exchanged_in_the_record_is_not_promoted(landing: Landing, tmp_path: Path) -> None:
    """Whoever can write the record could say anything; what is promoted is nevertheless what this process has tried."""
    sign, go = tmp_path / "sign", tmp_path / "go"
    process = landing.submitting(GOOD, landing.dir, before=frozen_at("promote.intended", sign, go))
    until(sign.exists, why=lambda: process.err)
    other = git(landing.repo, "rev-parse", "HEAD:src").strip()
    database = sqlite3.connect(landing.state / "state.db", timeout=30)
    with database:
        (body,) = database.execute("SELECT body FROM promotions").fetchone()
        changed = {**json.loads(body), "after": other}
        database.execute("UPDATE promotions SET body = ?", (json.dumps(changed),))
    database.close()
    go.touch()
    done = process.ended()
    assert done.code == 0, done
    assert landing.tree("dir") == done.report["change"]["tree"] == done.report["promotion"]["after"]


# ── 3 and 4: record and backup before anything is touched ────────────────────────────────────────────────────────────


@KINDS
@pytest.mark.parametrize(
    ("marker", "new"),
    [
        pytest.param("promote.intended", False, marks=SELDOM),
        pytest.param("promote.armed", False, marks=SELDOM),
        ("promote.swapped", True),
        pytest.param("promote.recorded", True, marks=SELDOM),
    ],
)
def test_promise_3_after_a_kill_the_target_is_old_or_new_and_the_next_process_ends_what_was_begun(
    kind: str, marker: str, new: bool, landing: Landing
) -> None:
    target = landing.target(kind)
    killed = landing.submit(GOOD, target, before=killed_at(marker))
    assert killed.code == -signal.SIGKILL, killed
    filed, promotion = landing.filed(), landing.promotion()
    assert promotion is not None, "the target was in danger without a record"
    assert (landing.tree(kind) == filed.run.change.tree, landing.tree(kind) == landing.base) == (new, not new)
    done = landing.about("run resume")
    assert (done.code, done.report["ending"]) == (0, "confirmed"), done
    assert landing.tree(kind) == filed.run.change.tree
    again = landing.about("run resume")
    assert (again.code, again.error["code"]) == (2, "usage"), again


def test_promise_4_nothing_is_promoted_without_a_backup_that_fits(landing: Landing) -> None:
    landing.policy(backup={"quota": "1KiB"})
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.report["ending"], done.report["promotion"]) == (4, "failed", None), done
    assert done.result("backup")["outcome"] == "unknown"
    assert "quota" in done.report["reason"]
    assert landing.tree("dir") == landing.base


def test_promise_4_nothing_is_promoted_when_what_was_kept_reads_back_otherwise(landing: Landing) -> None:
    assert landing.submit(GOOD, landing.git).code == 0  # fills the vault with what the live folder holds as well
    kept = [path for path in (landing.state / "vault" / "objects").rglob("*") if path.is_file()]
    damaged = 0
    for path in kept:
        if path.stat().st_size > 100:
            path.chmod(0o600)
            path.write_bytes(b"damaged" + path.read_bytes()[7:])
            damaged += 1
    assert damaged
    done = landing.submit(GOOD, landing.dir)
    if done.code == 0:  # it was written anew
        assert landing.run("backup", "verify", done.report["backup"]["id"]).code == 0
    else:
        assert (done.code, done.result("backup")["outcome"], landing.tree("dir")) == (4, "unknown", landing.base), done


def test_promise_4_a_live_folder_that_changes_while_it_is_copied_is_no_backup(landing: Landing, tmp_path: Path) -> None:
    before = (
        "from runner.targets.folder.target import FolderTarget\n"
        "was = FolderTarget.items\n"
        "def items(self, trees, tree):\n"
        "    for item in was(self, trees, tree):\n"
        f"        open({str(landing.live / 'README.md')!r}, 'w').write('meanwhile')\n"
        "        yield item\n"
        "FolderTarget.items = items\n"
    )
    done = landing.submit(GOOD, landing.dir, before=before)
    assert (done.code, done.report["state"], done.report["promotion"]) == (3, "held", None), done
    assert (landing.live / "README.md").read_text() == "meanwhile"


# ── 5: the deadline, whoever is dead ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "by"),
    [("dir", "watch"), ("git", "submit"), pytest.param("git", "watch", marks=SELDOM), pytest.param("dir", "submit", marks=SELDOM)],
)
def test_promise_5_what_a_killed_process_promoted_is_taken_back_at_its_deadline_by_whoever_lives(
    kind: str, by: str, landing: Landing
) -> None:
    target = landing.target(kind)
    landing.policy(monitor={"probes": [], "deadline": "3s"})
    process = landing.submitting(GOOD, target)
    promotion = landing.promoted()
    process.kill()
    assert landing.tree(kind) == promotion.after
    if by == "watch":
        assert landing.watch_once().code == 0
    else:
        landing.policy(monitor={"probes": [], "deadline": "20s"})
        other = landing.submitting(GOOD, f"git:{landing.bare}#other" if kind == "git" else f"git:{landing.repo}#other")
        until(lambda: landing.filed(promotion.run).run.state == "ended", why=lambda: other.err)
        other.stop(signal.SIGINT)
        assert other.ended().code == 130
    run = landing.filed(promotion.run).run
    assert run.decision is not None
    assert (run.decision.ending, landing.tree(kind)) == ("rolled_back", promotion.before)
    ended = landing.promotion(promotion.run)
    assert ended is not None
    assert ended.decided is not None
    assert promotion.deadline is not None
    assert ended.decided >= promotion.deadline - 0.1, "it was taken back before its time"
    assert landing.run("run", "show", promotion.run).out.startswith("ROLLED BACK")


def test_promise_5_a_killed_monitor_goes_on_with_what_is_left_of_its_time_and_may_still_confirm(landing: Landing) -> None:
    landing.policy(monitor={"confirm_after": "3s"})
    process = landing.submitting(GOOD, landing.dir)
    deadline = landing.promoted().deadline
    process.kill()
    done = landing.watch_once()
    promotion = landing.promotion()
    assert promotion is not None
    assert (done.code, promotion.step, promotion.deadline) == (0, "confirmed", deadline), done


# ── 6: rollbacks remove nothing of others ────────────────────────────────────────────────────────────────────────────


def test_promise_6_a_rollback_keeps_what_others_pushed_since(landing: Landing) -> None:
    assert landing.submit(GOOD, landing.git).code == 0
    ours = git(landing.bare, "rev-parse", "main").strip()
    theirs = landing.land_by_others({"THEIRS.md": "theirs\n"})
    done = landing.about("rollback")
    assert (done.code, done.report["ending"]) == (5, "rolled_back"), done
    assert git(landing.bare, "rev-parse", "main^").strip() == theirs
    assert git(landing.bare, "show", "main:THEIRS.md") == "theirs\n"
    assert ours in git(landing.bare, "log", "-1", "--format=%B", "main"), "the commit does not say what it undoes"
    assert git(landing.bare, "diff", "--name-only", "main", f"{ours}^").split() == ["THEIRS.md"]


def test_promise_6_a_rollback_keeps_what_the_service_wrote_before_during_and_after_the_promotion(landing: Landing) -> None:
    assert landing.dir
    (landing.live / "var").mkdir()
    database = sqlite3.connect(landing.live / "var" / "service.db")
    database.execute("CREATE TABLE rows (n INTEGER)")
    wrote = 0
    landing.policy(monitor={"probes": [], "deadline": "60s"})
    process = landing.submitting(GOOD, landing.dir)
    while not (landing.state / "state.db").exists() or landing.latest() is None or not ((found := landing.promotion()) and found.promoted):
        wrote += 1
        with database:
            database.execute("INSERT INTO rows VALUES (?)", (wrote,))
        (landing.live / "src" / "berth" / f"log-{wrote % 5}.txt").write_text(f"{wrote}")
        time.sleep(0.01)
    (landing.live / "var" / "since").write_text("new")
    landing.about("rollback")
    assert process.ended().code == 5
    with database:
        database.execute("INSERT INTO rows VALUES (?)", (wrote + 1,))
    database.close()
    fresh = sqlite3.connect(landing.live / "var" / "service.db")
    assert fresh.execute("SELECT count(*), max(n) FROM rows").fetchone() == (wrote + 1, wrote + 1)
    fresh.close()
    assert (landing.live / "var" / "since").read_text() == "new"
    shutil.rmtree(landing.live / "var")
    for log in (landing.live / "src" / "berth").glob("log-*.txt"):
        log.unlink()
    assert landing.tree("dir") == landing.base


def test_promise_6_a_file_that_somebody_edited_during_the_watch_ends_stuck_with_both_copies_named(landing: Landing) -> None:
    landing.policy(monitor={"probes": [], "deadline": "60s"})
    process = landing.submitting(GOOD, landing.dir)
    landing.promoted()
    (landing.live / "src/berth/keel.py").write_text("# mended in a hurry\n")
    asked = landing.about("rollback")
    done = process.ended()
    assert (asked.code, done.code, done.report["ending"]) == (6, 6, "stuck"), done
    assert (landing.live / "src/berth/keel.py").read_text() == "# mended in a hurry\n"
    assert "src/berth/keel.py" in done.report["reason"]
    assert str(landing.live) in done.report["reason"]
    copy = Path(asked.report["reason"].split("other copy is in '")[1].split("'")[0])
    assert (copy / "src/berth/quay.py").read_bytes() == (landing.repo / "src/berth/quay.py").read_bytes()
    again = landing.about("rollback")
    assert again.code == 6
    (landing.live / "src/berth/keel.py").write_bytes((landing.repo / "src/berth/keel.py").read_bytes())  # the change did not touch it
    mended = landing.about("rollback")
    assert (mended.code, mended.report["ending"], landing.tree("dir")) == (5, "rolled_back", landing.base), mended
    assert landing.beside() == []


# ── 7: whose policy ──────────────────────────────────────────────────────────────────────────────────────────────────


@KINDS
def test_promise_7_the_policy_is_never_the_changes(kind: str, landing: Landing) -> None:
    (landing.repo / ".seatrial").mkdir()
    (landing.repo / ".seatrial/policy.yaml").write_bytes(landing.policy(validate={"paths": {"deny": ["src/**"]}}).read_bytes())
    commit(landing.repo, "with a policy")
    loose = landing.policy().read_text()
    change = landing.change({".seatrial/policy.yaml": loose, "src/berth/keel.py": "SAFETY = 0\n"})
    done = landing.run("submit", change, "--target", landing.target(kind), "--format", "json")
    assert (done.code, done.report["verdict"]) == (1, "reject"), done
    assert done.report["policy"]["source"].startswith(".seatrial/policy.yaml of main")
    assert landing.tree(kind) == landing.base


def test_promise_7_the_policy_is_never_the_live_folders(landing: Landing) -> None:
    assert landing.dir
    (landing.live / ".seatrial").mkdir()
    shutil.copy(landing.policy(monitor={"deadline": "61s"}), landing.live / ".seatrial/policy.yaml")
    done = landing.run("submit", BAD, "--target", landing.dir, "--format", "json")
    assert done.report["policy"]["source"] == "builtin:default"


BAD = os.fspath(Path(GOOD).with_name("broken.diff"))
