"""Submissions that a person decides about: what holds them, who may answer, what an answer is bound to, and when a hold ends."""

import json
import time
from pathlib import Path

import pytest

from testing.landing import BROKEN, GOOD, Landing
from testing.whole import commit

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
KINDS = pytest.mark.parametrize("kind", ["git", "dir"])
SELDOM = pytest.mark.long
"""The same with the other kind of target, or another signal, is left to the long tier."""
FOLDERS = pytest.mark.parametrize("kind", [pytest.param("git", marks=SELDOM), "dir"])
HOLDING = {"paths": {"hold": ["NOTES.md", "MORE.md"]}}


def held(landing: Landing, target: str, name: str = "NOTES.md", **sections: object) -> str:
    """Submit a change that the policy wants a person to look at; its run."""
    landing.policy(validate=HOLDING, **sections)
    done = landing.submit(landing.change({name: "a note\n"}), target, "--author", "ann")
    report = done.report
    assert (done.code, report["state"], report["verdict"], report["ending"]) == (3, "held", "hold", None), done
    assert report["next"].startswith(f"seatrial run approve {report['run']}")
    return str(report["run"])


@KINDS
def test_what_is_held_lands_once_somebody_has_approved_it(kind: str, landing: Landing) -> None:
    target = landing.target(kind)
    run = held(landing, target)
    assert landing.tree(kind) == landing.base
    started = time.monotonic()
    done = landing.about("run approve", run, "--by", "bob")
    assert (done.code, done.report["run"], done.report["ending"]) == (0, run, "confirmed"), done
    assert landing.tree(kind) == done.report["change"]["tree"]
    assert time.monotonic() - started < 60
    audit = json.loads(landing.run("audit", "list", "--format", "json").out)["entries"]
    (said,) = (entry for entry in audit if entry["kind"] == "run.approved")
    assert (said["body"]["who"], said["body"]["reason"], [seen.split()[0] for seen in said["body"]["checks"]]) == (
        "bob",
        "because",
        ["paths"],
    )


def test_the_author_cannot_approve_and_a_denial_is_a_rejection(landing: Landing) -> None:
    run = held(landing, landing.dir)
    for author in ("ann", "Ann"):
        own = landing.about("run approve", run, "--by", author)
        assert (own.code, "author" in own.error["message"]) == (2, True)
    denied = landing.about("run deny", run, "--by", "bob")
    assert (denied.code, denied.report["ending"], landing.tree("dir")) == (1, "rejected", landing.base), denied
    late = landing.about("run approve", run, "--by", "bob")
    assert (late.code, "not held" in late.error["message"]) == (2, True)


def test_whom_git_names_as_the_author_cannot_approve_either(landing: Landing) -> None:
    landing.policy(validate=HOLDING)
    (landing.repo / "NOTES.md").write_text("mine\n")
    made = commit(landing.repo, "a note")
    assert landing.git
    assert landing.submit(made, f"git:{landing.bare}#work", "--base", "HEAD~1").code == 3
    assert landing.about("run approve", "latest", "--by", "t@example.invalid").code == 2
    assert landing.about("run approve", "latest", "--by", "bob").code == 0


def test_a_submission_that_is_held_already_is_not_tried_again(landing: Landing) -> None:
    run = held(landing, landing.dir)
    again = landing.submit(landing.change({"NOTES.md": "a note\n"}), landing.dir, "--author", "ann")
    assert (again.code, again.report["run"]) == (3, run)
    assert "trial" not in again.err


def test_an_approval_is_for_this_patch_this_policy_and_these_checks_only(landing: Landing) -> None:
    first = held(landing, landing.git)
    assert landing.about("run approve", first, "--by", "bob").code == 0
    assert held(landing, landing.git, "MORE.md") != first, "another patch"
    other = landing.change({"NOTES.md": "a note\n"})
    landing.policy(validate=HOLDING, monitor={"deadline": "61s"})
    under_another_policy = landing.submit(other, f"git:{landing.bare}#other", "--author", "ann")
    assert under_another_policy.code == 3, "another policy"


def test_what_else_turns_up_after_the_approval_holds_again(landing: Landing) -> None:
    run = held(landing, landing.dir)
    (landing.live / "src/berth/keel.py").write_text("# by hand\n")
    done = landing.about("run approve", run, "--by", "bob")
    assert (done.code, done.report["state"]) == (3, "held"), done
    assert done.result("target")["outcome"] == "hold"
    assert "src/berth/keel.py" in done.report["reason"]
    again = landing.about("run approve", run, "--by", "bob")
    assert again.code == 3, again
    assert (landing.live / "src/berth/keel.py").read_text() == "# by hand\n", "an approval overwrote what nobody knew"
    (landing.live / "src/berth/keel.py").write_bytes((landing.repo / "src/berth/keel.py").read_bytes())
    mended = landing.about("run approve", run, "--by", "bob")
    assert (mended.code, mended.report["ending"]) == (0, "confirmed"), mended


def test_an_approved_run_is_tried_again_upon_what_the_target_has_become(landing: Landing) -> None:
    run = held(landing, landing.git)
    theirs = landing.land_by_others({"THEIRS.md": "theirs\n"})
    done = landing.about("run approve", run, "--by", "bob")
    assert (done.code, done.report["change"]["base"]) == (0, theirs), done


def test_a_gate_that_closed_meanwhile_refuses_the_approved_run_and_it_waits_on(landing: Landing) -> None:
    run = held(landing, landing.dir)
    assert landing.run("breaker", "open", "promotion", "--reason", "looking", "--for", "1h").code == 0
    done = landing.about("run approve", run, "--by", "bob")
    assert done.code in (3, 75), done
    assert landing.tree("dir") == landing.base


@FOLDERS
def test_a_hold_that_nobody_answers_expires(kind: str, landing: Landing) -> None:
    run = held(landing, landing.target(kind), hold={"expires": "100ms"})
    time.sleep(0.2)
    late = landing.about("run approve", run, "--by", "bob")
    assert late.code == 2, late
    assert any(word in late.error["message"] for word in ("expired", "not held")), "whoever lives may have ended it by now"
    assert landing.watch_once().code == 0
    report = json.loads(landing.run("run", "show", run, "--format", "json").out)
    assert (report["ending"], report["exit_code"], report["verdict"]) == ("expired", 3, None)
    assert landing.tree(kind) == landing.base


@FOLDERS
def test_a_patch_that_was_taken_back_is_held_when_it_comes_again_until_somebody_approves(kind: str, landing: Landing) -> None:
    target, broken = landing.target(kind), {"promote": {"after": {"command": ["false"]}}, "rollback": {"after": {"command": ["true"]}}}
    landing.policy(**broken)
    first = landing.submit(GOOD, target)
    assert (first.code, first.result("after")["outcome"]) == (5, "fail"), first
    landing.policy()
    second = landing.submit(GOOD, target)
    assert (second.code, second.report["run"] in first.report["reason"]) == (3, False)
    assert f"as run {first.report['run']}, and was taken back" in second.report["reason"]
    done = landing.about("run approve", "latest", "--by", "bob")
    assert (done.code, landing.tree(kind)) == (0, done.report["change"]["tree"]), done


def test_a_run_that_ended_is_submitted_again_by_its_own_policy(landing: Landing) -> None:
    first = landing.submit(BROKEN, landing.dir)
    landing.file.unlink()
    Path(landing.repo / "README.md").unlink()
    again = landing.about("run retry", first.report["run"])
    assert (again.code, again.report["ending"]) == (1, "rejected"), again
    assert again.report["run"] != first.report["run"]
    assert again.report["policy"]["digest"] == first.report["policy"]["digest"]
    assert f"run {first.report['run']} tried the same" in again.report["notes"]


def test_a_run_that_waits_or_goes_on_is_not_retried_and_one_that_waits_is_not_resumed(landing: Landing) -> None:
    run = held(landing, landing.dir)
    retried, resumed = landing.about("run retry", run), landing.about("run resume", run)
    assert (retried.code, resumed.code) == (2, 2)
    assert "run approve" in resumed.error["hint"]
    cancelled = landing.about("run cancel", run)
    assert (cancelled.code, cancelled.report["ending"]) == (130, "cancelled"), cancelled
    assert landing.about("run cancel", run).code == 2


# ── undecided at the deadline ────────────────────────────────────────────────────────────────────────────────────────

UNDECIDED = {"probes": [], "deadline": "1s", "confirm_after": "500ms"}


@pytest.mark.parametrize(
    ("kind", "verb", "ending", "code"),
    [
        ("git", "confirm", "confirmed", 0),
        pytest.param("dir", "rollback", "rolled_back", 5, marks=SELDOM),
        pytest.param("dir", "confirm", "confirmed", 0, marks=SELDOM),
        pytest.param("git", "rollback", "rolled_back", 5, marks=SELDOM),
        pytest.param("git", "run cancel", "rolled_back", 5, marks=SELDOM),
        pytest.param("dir", "run cancel", "rolled_back", 5, marks=SELDOM),
    ],
)
def test_what_is_undecided_at_its_deadline_waits_for_a_person_where_the_policy_says_so(
    kind: str, verb: str, ending: str, code: int, landing: Landing
) -> None:
    landing.policy(monitor={**UNDECIDED, "on_undecided": "hold"})
    first = landing.submit(GOOD, landing.target(kind))
    assert (first.code, first.report["state"]) == (3, "held"), first
    assert first.report["promotion"]["step"] == "promoted"
    assert "confirm" in first.report["next"]
    approved = landing.about("run approve", "latest", "--by", "bob")
    assert (approved.code, "seatrial confirm" in approved.error["hint"]) == (2, True)
    done = landing.about(verb)
    assert (done.code, done.report["ending"]) == (code, ending), done
    assert landing.tree(kind) == (done.report["change"]["tree"] if ending == "confirmed" else landing.base)


def test_what_is_undecided_and_waits_is_taken_back_when_its_hold_expires(landing: Landing) -> None:
    landing.policy(monitor={**UNDECIDED, "on_undecided": "hold"}, hold={"expires": "100ms"})
    assert landing.submit(GOOD, landing.dir).code == 3
    time.sleep(0.2)
    assert landing.watch_once().code == 0
    report = json.loads(landing.run("run", "show", "latest", "--format", "json").out)
    assert (report["ending"], landing.tree("dir")) == ("rolled_back", landing.base)


def test_what_is_undecided_is_taken_back_where_the_policy_says_nothing(landing: Landing) -> None:
    landing.policy(monitor=UNDECIDED)
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, landing.tree("dir")) == (5, landing.base), done
