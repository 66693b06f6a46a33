"""Submissions to a branch and to a live folder, from the command line to the target: how each can end, and what the report says."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from testing.landing import BROKEN, GOOD, Landing
from testing.whole import git

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
KINDS = pytest.mark.parametrize("kind", ["git", "dir"])
SELDOM = pytest.mark.long
"""The same with the other kind of target, or another signal, is left to the long tier."""
FOLDERS = pytest.mark.parametrize("kind", [pytest.param("git", marks=SELDOM), "dir"])


@KINDS
def test_a_good_change_is_promoted_watched_and_confirmed(kind: str, landing: Landing) -> None:
    done = landing.submit(GOOD, landing.target(kind), "--author", "ann", "--agent", "bot", "--ticket", "OPS-1")
    report = done.report
    assert (done.code, report["verdict"], report["ending"], report["state"]) == (0, "accept", "confirmed", "ended"), done
    assert landing.tree(kind) == report["change"]["tree"] == report["promotion"]["after"]
    promotion = report["promotion"]
    assert (promotion["step"], promotion["before"], promotion["mixed"]) == ("confirmed", landing.base, False)
    assert (promotion["method"], bool(promotion["commit"])) == (("ref", True) if kind == "git" else ("exchange", False))
    assert report["backup"]["files"] == 7
    assert done.result("probe:well")["outcome"] == done.result("backup")["outcome"] == done.result("target")["outcome"] == "pass"
    assert set(report["timings"]) >= {"preflight", "aim", "validate", "trial", "backup", "promote", "monitor", "settle"}
    if kind == "git":
        assert promotion["commit"] == git(landing.bare, "rev-parse", "main").strip()
        trailers = git(landing.bare, "log", "-1", "--format=%(trailers:only)", "main")
        assert f"Seatrial-Run: {report['run']}" in trailers
        git(landing.bare, "fsck", "--strict", "--no-dangling")
    else:
        assert landing.beside() == [], "something was left beside the live folder"
    assert landing.run("audit", "verify").code == 0
    assert landing.run("backup", "verify", "--all").code == 0


def test_a_submission_is_controlled_before_it_is_promoted(landing: Landing) -> None:
    landing.policy(controls={"run": ["probe", "twins", "coverage"]})
    done = landing.submit(GOOD, landing.target("git"))
    assert (done.code, done.report["ending"]) == (0, "confirmed"), done
    assert {name: done.result(name)["outcome"] for name in ("probe", "twins", "controls")} == dict.fromkeys(
        ("probe", "twins", "controls"), "pass"
    )
    assert "controls that answered: " in done.report["level"]


@FOLDERS
def test_a_change_that_breaks_a_test_is_rejected_and_the_target_is_not_touched(kind: str, landing: Landing) -> None:
    target = landing.target(kind)
    seen = landing.live if kind == "dir" else landing.bare / "packed-refs"
    before = seen.stat()
    done = landing.submit(BROKEN, target)
    report = done.report
    assert (done.code, report["verdict"], report["ending"], report["promotion"], report["backup"]) == (1, "reject", "rejected", None, None)
    assert landing.tree(kind) == landing.base
    assert os.path.samestat(before, seen.stat())
    assert landing.promotion() is None


@KINDS
def test_a_change_that_harms_the_service_is_taken_back_and_the_digest_is_read_again(kind: str, landing: Landing) -> None:
    landing.policy(
        promote={"after": {"command": ["rm", "-f", str(landing.well)]}}, rollback={"after": {"command": ["touch", str(landing.well)]}}
    )
    done = landing.submit(GOOD, landing.target(kind))
    report = done.report
    assert (done.code, report["ending"], report["verdict"]) == (5, "rolled_back", "accept"), done
    assert landing.tree(kind) == landing.base == report["promotion"]["before"]
    assert report["promotion"]["step"] == "rolled_back"
    assert 0 < report["promotion"]["detection"] < 10
    assert 0 <= report["promotion"]["recovery"] < 60
    assert (done.result("probe:well")["outcome"], done.result("rollback")["outcome"]) == ("fail", "pass")
    assert landing.well.exists(), "rollback.after did not run"
    if kind == "dir":
        assert landing.beside() == []


def test_without_a_ref_the_run_makes_a_branch_of_its_own(landing: Landing) -> None:
    assert landing.git
    done = landing.submit(GOOD, f"git:{landing.bare}")
    report = done.report
    assert (done.code, report["promotion"]["target"]) == (0, f"git:{landing.bare}#refs/heads/seatrial/{report['run']}")
    assert git(landing.bare, "rev-parse", f"seatrial/{report['run']}^{{tree}}").strip() == report["change"]["tree"]
    assert git(landing.bare, "rev-parse", f"seatrial/{report['run']}^").strip() == git(landing.repo, "rev-parse", "HEAD").strip()


def test_a_link_to_a_release_is_pointed_elsewhere_and_back(landing: Landing) -> None:
    assert landing.dir
    landing.live.rename(landing.folder / "releases")
    (landing.folder / "releases").rename(landing.folder / "first")
    (landing.folder / "releases").mkdir()
    (landing.folder / "first").rename(landing.folder / "releases" / "first")
    landing.live.symlink_to("releases/first")
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.report["promotion"]["method"]) == (0, "symlink"), done
    assert landing.live.is_symlink()
    assert landing.tree("dir") == done.report["change"]["tree"]
    back = landing.about("rollback")
    assert (back.code, landing.tree("dir")) == (5, landing.base)


def test_a_ref_that_is_checked_out_is_refused_before_anything_is_tried_unless_the_policy_brings_the_work_tree_along(
    landing: Landing,
) -> None:
    target = f"git:{landing.repo}#main"
    refused = landing.submit(GOOD, target)
    assert (refused.code, "checked out" in refused.error["message"], landing.latest()) == (2, True, None)
    landing.policy(promote={"worktree": "update_if_clean"})
    done = landing.submit(GOOD, target)
    assert (done.code, git(landing.repo, "status", "--porcelain")) == (0, "")
    assert git(landing.repo, "rev-parse", "HEAD^{tree}").strip() == done.report["change"]["tree"]


@FOLDERS
def test_what_is_live_already_is_not_tried_again_and_its_run_is_told(kind: str, landing: Landing) -> None:
    first, second = (landing.submit(GOOD, landing.target(kind)) for _ in range(2))
    assert (second.code, second.report["run"], second.report["ending"]) == (0, first.report["run"], "confirmed")
    assert f"run {first.report['run']} brought it there" in second.err
    assert len(json.loads(landing.run("run", "list", "--format", "json").out)["runs"]) == 1


def test_the_same_submitted_twice_at_once_is_one_run(landing: Landing) -> None:
    change = landing.slow(3)
    first = landing.submitting(change, landing.dir)
    first.comes_to("trial")
    second = landing.submit(change, landing.dir)
    assert f"the same is under way as run {second.report['run']}" in second.err
    assert first.ended().report == second.report
    assert second.code == 0
    assert len(json.loads(landing.run("run", "list", "--format", "json").out)["runs"]) == 1


def test_no_probe_is_needed_where_the_application_confirms_itself(landing: Landing) -> None:
    landing.policy(monitor={"probes": []})
    process = landing.submitting(GOOD, landing.dir)
    run = landing.promoted().run
    told = landing.about("confirm", run, "--by", "app")
    done = process.ended()
    assert (told.code, done.code, done.report["ending"], done.report["promotion"]["note"]) == (
        0,
        0,
        "confirmed",
        "it was confirmed by request",
    )
    assert told.report["timings"] == done.report["timings"]
    assert told.report == done.report
    again = landing.about("confirm", run)
    assert (again.code, "nothing to confirm" in again.error["message"]) == (2, True)


def test_the_operators_command_is_told_what_is_live_and_runs_again_after_the_rollback(landing: Landing, tmp_path: Path) -> None:
    said, script = tmp_path / "said.diff", tmp_path / "after.diff"
    script.write_text(f'echo "$SEATRIAL_RUN $SEATRIAL_TARGET $SEATRIAL_TREE" >> {said}; rm -f {landing.well}\n')
    landing.policy(promote={"after": {"command": ["sh", str(script)]}})
    done = landing.submit(GOOD, landing.dir)
    report = done.report
    assert done.code == 5
    assert [line.split() for line in said.read_text().splitlines()] == [
        [report["run"], landing.dir, report["change"]["tree"]],
        [report["run"], landing.dir, landing.base],
    ]


def test_a_person_and_a_ci_system_are_told_of_the_promotion(landing: Landing) -> None:
    landing.submit(GOOD, landing.dir)
    for form in ("text", "junit"):
        shown = landing.run("run", "show", "latest", "--format", form)
        assert (shown.code, shown.err) == (0, ""), shown
    text = landing.run("run", "show", "latest").out
    assert text.startswith("CONFIRMED")
    assert str(landing.live) in text


def test_the_ends_of_the_suites_and_of_the_operators_command_are_in_the_logs(landing: Landing) -> None:
    landing.policy(promote={"after": {"command": ["echo", "restarted the service"]}})
    assert landing.submit(GOOD, landing.dir).code == 0
    logs = json.loads(landing.run("run", "logs", "latest", "--format", "json").out)["logs"]
    assert {"base", "patched"} <= set(logs)
    assert "restarted the service" in logs["after"]


def test_a_run_is_followed_stage_by_stage(landing: Landing) -> None:
    landing.policy(monitor={"probes": []})
    process = landing.submitting(GOOD, landing.dir)
    landing.promoted()
    follower = landing.start("run", "logs", "-f", "latest")
    follower.says("promote")
    landing.about("confirm")
    process.ended()
    followed = follower.ended()
    assert followed.code == 0
    assert "recorded" in followed.err
    assert "==> patched <==" in followed.out


def test_submitting_without_what_carries_runs_says_what_to_install(landing: Landing) -> None:
    done = landing.submit(GOOD, landing.dir, before="import sys\nsys.modules['dbos'] = None", cold=True)
    assert (done.code, done.error["code"]) == (4, "infrastructure")
    assert "pip install 'seatrial[submit]'" in done.error["hint"]
    assert landing.tree("dir") == landing.base
    again = landing.submit(GOOD, landing.dir)
    assert again.code == 0, again


def test_a_plain_check_needs_nothing_of_it(landing: Landing) -> None:
    done = landing.run("check", GOOD, "--format", "json", before="import sys\nsys.modules['dbos'] = None", cold=True)
    assert (done.code, done.report["promotion"]) == (0, None)


@SELDOM
def test_nothing_of_docker_is_left(landing: Landing) -> None:
    landing.submit(GOOD, landing.dir)
    argv = ("--filter", "label=dev.seatrial.run", "--format", "{{.Labels}}")
    told = subprocess.run(["docker", "ps", "-a", *argv], capture_output=True, text=True, check=True).stdout
    assert landing.filed().run.id not in told
