"""Taking back by hand, and again after what stood in the way was mended."""

import pytest

from testing.landing import GOOD, Landing
from testing.whole import git

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
KINDS = pytest.mark.parametrize("kind", ["git", "dir"])
SELDOM = pytest.mark.long
"""The same with the other kind of target, or another signal, is left to the long tier."""
FOLDERS = pytest.mark.parametrize("kind", [pytest.param("git", marks=SELDOM), "dir"])


@KINDS
def test_a_confirmed_promotion_is_taken_back_by_hand(kind: str, landing: Landing) -> None:
    assert landing.submit(GOOD, landing.target(kind)).code == 0
    done = landing.about("rollback")
    report = done.report
    assert (done.code, report["ending"], report["promotion"]["step"], landing.tree(kind)) == (
        5,
        "rolled_back",
        "rolled_back",
        landing.base,
    ), done
    again = landing.about("rollback")
    assert (again.code, "nothing to take back" in again.error["message"]) == (2, True)
    assert landing.about("confirm").code == 2


def test_of_two_promotions_to_a_live_folder_the_later_is_taken_back_first(landing: Landing) -> None:
    first = landing.submit(GOOD, landing.dir)
    second = landing.submit(landing.change({"NOTES.md": "more\n"}), landing.dir)
    assert (first.code, second.code) == (0, 0), second
    refused = landing.about("rollback", first.report["run"])
    assert (refused.code, f"seatrial rollback {second.report['run']}" in refused.error["hint"]) == (2, True), refused
    assert landing.about("rollback", second.report["run"]).code == 5
    assert landing.tree("dir") == first.report["change"]["tree"]
    assert landing.about("rollback", first.report["run"]).code == 5
    assert landing.tree("dir") == landing.base


def test_of_two_promotions_to_a_branch_the_earlier_is_undone_below_the_later(landing: Landing) -> None:
    first = landing.submit(GOOD, landing.git)
    second = landing.submit(landing.change({"NOTES.md": "more\n"}), landing.git)
    assert (first.code, second.code) == (0, 0), second
    done = landing.about("rollback", first.report["run"])
    assert done.code == 5, done
    assert git(landing.bare, "diff", "--name-only", landing.base, "main").split() == ["NOTES.md"]
    assert git(landing.bare, "rev-parse", "main^").strip() == second.report["promotion"]["commit"]


def test_later_work_at_the_same_place_makes_it_stuck_and_stays(landing: Landing) -> None:
    assert landing.submit(GOOD, landing.git).code == 0
    theirs = landing.land_by_others({"src/berth/quay.py": "# rewritten\n"})
    done = landing.about("rollback")
    assert (done.code, done.report["ending"]) == (6, "stuck"), done
    assert git(landing.bare, "rev-parse", "main").strip() == theirs
    assert done.report["next"]
    settled = landing.about("confirm")
    assert (settled.code, settled.report["ending"]) == (0, "confirmed"), settled


@FOLDERS
def test_a_rollback_whose_command_fails_is_stuck_after_its_attempts_and_ends_once_that_is_mended(kind: str, landing: Landing) -> None:
    mended = landing.folder / "mended.diff"
    landing.policy(
        promote={"after": {"command": ["rm", "-f", str(landing.well)]}},
        rollback={"after": {"command": ["test", "-e", str(mended)]}, "attempts": 2},
    )
    first = landing.submit(GOOD, landing.target(kind))
    assert (first.code, first.report["ending"]) == (6, "stuck"), first
    assert "failed 2 times" in first.report["reason"]
    assert "rollback.after" in first.report["reason"]
    assert landing.tree(kind) == landing.base, "the files are old all the same"
    mended.touch()
    done = landing.about("rollback", first.report["run"])
    assert (done.code, done.report["ending"], landing.tree(kind)) == (5, "rolled_back", landing.base), done


def test_there_is_nothing_to_decide_about_a_check(landing: Landing) -> None:
    assert landing.run("check", GOOD).code == 0
    for verb in ("rollback", "confirm", "run approve", "run deny", "run cancel", "run resume", "run retry", "run wait"):
        done = landing.about(verb, "latest")
        assert (done.code, done.error["code"]) == (2, "usage"), (verb, done)
