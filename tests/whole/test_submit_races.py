"""Several submissions to one target, and targets that move while a change is tried."""

import json
from itertools import pairwise

import pytest

from testing.landing import GOOD, SLOW, Landing, frozen_at, until
from testing.whole import git

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
KINDS = pytest.mark.parametrize("kind", ["git", "dir"])
SELDOM = pytest.mark.long
"""The same with the other kind of target, or another signal, is left to the long tier."""
FOLDERS = pytest.mark.parametrize("kind", [pytest.param("git", marks=SELDOM), "dir"])


@KINDS
@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.long)])
def test_of_two_submissions_to_one_target_each_lands_upon_the_other_or_is_held(kind: str, rounds: int, landing: Landing) -> None:
    target = landing.target(kind)
    landing.policy(monitor={"confirm_after": "200ms"})
    for number in range(rounds):
        changes = [landing.change({f"{name}-{number}.md": f"{name}\n"}, f"{name}-{number}") for name in ("one", "two")]
        before = landing.tree(kind)
        processes = [landing.submitting(change, target) for change in changes]
        ended = [process.ended() for process in processes]
        assert {done.code for done in ended} in ({0}, {0, 3}), ended
        landed = sorted((done.report for done in ended if done.code == 0), key=lambda report: report["promotion"]["promoted"])
        assert landed[0]["promotion"]["before"] == before
        now = landing.tree(kind)
        assert now == landed[-1]["promotion"]["after"] == landed[-1]["change"]["tree"], "what lies there was never tried"
        for earlier, later in pairwise(landed):
            assert later["promotion"]["before"] == earlier["promotion"]["after"], "one has overwritten the other"
        files = git(landing.bare if kind == "git" else landing.repo, "ls-tree", "--name-only", landing.tree(kind)).split()
        for done, name in zip(ended, ("one", "two"), strict=True):
            assert (f"{name}-{number}.md" in files) is (done.code == 0)


@FOLDERS
def test_a_submission_waits_for_the_promotion_that_is_watched_and_takes_what_that_came_to_as_its_base(kind: str, landing: Landing) -> None:
    target = landing.target(kind)
    landing.policy(monitor={"probes": []})
    first = landing.submitting(GOOD, target)
    run = landing.promoted().run
    landing.policy()
    second = landing.submitting(landing.change({"NOTES.md": "more\n"}), target)
    second.says(f"waiting for run {run}")
    landing.about("rollback", run)
    assert first.ended().code == 5
    done = second.ended()
    assert (done.code, landing.tree(kind)) == (0, done.report["change"]["tree"]), done
    assert done.report["promotion"]["before"] == landing.base


def test_a_change_that_does_not_apply_to_the_new_base_is_held_with_gits_reason(landing: Landing) -> None:
    readme = (landing.repo / "README.md").read_text()
    process = landing.submitting(landing.change({"README.md": f"ours\n{readme}", "tests/test_slow.py": SLOW.format(4)}), landing.git)
    process.comes_to("trial")
    theirs = landing.land_by_others({"README.md": f"theirs\n{readme}"})
    done = process.ended()
    assert (done.code, git(landing.bare, "rev-parse", "main").strip()) == (3, theirs), done
    assert "patch does not apply" in done.report["reason"]
    assert done.report["promotion"] is None


def test_a_policy_that_says_to_hold_a_moved_base_holds(landing: Landing) -> None:
    landing.policy(promote={"when_base_moved": "hold"})
    process = landing.submitting(landing.slow(4), landing.git)
    process.comes_to("trial")
    theirs = landing.land_by_others({"THEIRS.md": "theirs\n"})
    done = process.ended()
    assert (done.code, "the policy says to hold" in done.report["reason"]) == (3, True), done
    assert git(landing.bare, "rev-parse", "main").strip() == theirs
    at_once = landing.submit(GOOD, landing.git)
    assert at_once.code == 3, at_once


def test_a_base_that_moves_again_and_again_is_held_after_so_many_attempts(landing: Landing) -> None:
    landing.policy(promote={"attempts": 2})
    moving = (
        "import subprocess\n"
        "from runner import crashpoints\n"
        f"def at(name):\n"
        "    if name == 'promote.rechecked':\n"
        f"        subprocess.run(['git', '-C', {str(landing.folder / 'theirs')!r}, '-c', 'user.name=t', '-c', 'user.email=t@e', 'commit', '-q', '--allow-empty', '-m', 'x'], check=True)\n"
        f"        subprocess.run(['git', '-C', {str(landing.folder / 'theirs')!r}, 'push', '-q', 'origin', 'HEAD:main'], check=True)\n"
        "crashpoints.hook = at\n"
    )
    target = landing.git
    landing.land_by_others({"THEIRS.md": "theirs\n"})
    done = landing.submit(GOOD, target, before=moving)
    assert (done.code, "2 bases were tried" in done.report["reason"]) == (3, True), done
    assert landing.tree("git") != done.report["change"]["tree"]
    assert landing.promotion() is None or landing.promotion().step == "abandoned"


def test_the_change_that_others_have_made_meanwhile_is_told(landing: Landing) -> None:
    target = landing.git
    landing.land_by_others({"NOTES.md": "slow\n", "tests/test_slow.py": "x = 1\n"})
    git(landing.repo, "pull", "-q", str(landing.bare), "main")
    done = landing.run("submit", "HEAD", "--base", "HEAD~1", "--target", target, "--policy", str(landing.file), "--format", "json")
    assert (done.code, "holds this change already" in done.out) == (1, True), done


@SELDOM
def test_promises_hold_where_a_process_freezes_between_the_last_look_and_the_step(landing: Landing) -> None:
    sign, go = landing.folder / "sign.diff", landing.folder / "go.diff"
    process = landing.submitting(GOOD, landing.git, before=frozen_at("promote.rechecked", sign, go))
    until(sign.exists, why=lambda: process.err)
    waiting = landing.submitting(landing.change({"NOTES.md": "x\n"}), landing.git)
    waiting.says("waiting for run")
    go.touch()
    ended = [process.ended(), waiting.ended()]
    assert [done.code for done in ended] == [0, 0], ended
    assert ended[1].report["promotion"]["before"] == ended[0].report["promotion"]["after"]
    assert len(json.loads(landing.run("run", "list", "--format", "json").out)["runs"]) == 2
