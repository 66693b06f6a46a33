"""Submissions whose process is asked to stop, is killed, or leaves its run to another one."""

import json
import signal
import time

import pytest

from testing.landing import GOOD, Landing, until
from testing.whole import LEFT_NOTHING, left

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
SELDOM = pytest.mark.long
"""The same with the other kind of target, or another signal, is left to the long tier."""
FOLDERS = pytest.mark.parametrize("kind", [pytest.param("git", marks=SELDOM), "dir"])
SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=SELDOM)])
"""A person with Ctrl-C, and whoever stops services."""


@SIGNALS
def test_a_signal_during_the_trial_cancels_and_leaves_nothing(number: signal.Signals, code: int, landing: Landing) -> None:
    process = landing.submitting(landing.slow(), landing.dir)
    process.comes_to("trial")
    time.sleep(0.5)
    process.stop(number)
    done = process.ended()
    assert (done.code, "Traceback" in done.err) == (code, False), done
    assert done.error["code"] == ("interrupted" if code == 130 else "terminated")
    record = json.loads(landing.run("run", "list", "--format", "json").out)["runs"][0]
    assert (record["state"], record["ending"]) == ("ended", "cancelled")
    assert (landing.tree("dir"), landing.promotion(), left()) == (landing.base, None, LEFT_NOTHING)


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        ("dir", signal.SIGINT, 130),
        ("git", signal.SIGTERM, 143),
        pytest.param("git", signal.SIGINT, 130, marks=SELDOM),
        pytest.param("dir", signal.SIGTERM, 143, marks=SELDOM),
    ],
)
def test_a_signal_during_the_watch_takes_the_promotion_back_before_the_process_ends(
    kind: str, number: signal.Signals, code: int, landing: Landing
) -> None:
    landing.policy(monitor={"probes": []})
    process = landing.submitting(GOOD, landing.target(kind))
    run = landing.promoted().run
    process.stop(number)
    done = process.ended()
    assert (done.code, landing.tree(kind), "Traceback" in done.err) == (code, landing.base, False), done
    assert f"note: run {run}" in done.err
    assert "is what it was before" in done.err
    report = json.loads(landing.run("run", "show", run, "--format", "json").out)
    assert (report["ending"], report["exit_code"]) == ("rolled_back", 5)


def test_a_second_ctrl_c_does_not_cut_the_rollback_short(landing: Landing) -> None:
    landing.policy(monitor={"probes": []}, rollback={"after": {"command": ["sleep", "2"]}})
    process = landing.submitting(GOOD, landing.dir)
    landing.promoted()
    process.stop(signal.SIGINT)
    until(lambda: (found := landing.promotion()) and found.step == "taking_back")
    process.stop(signal.SIGINT)
    done = process.ended()
    found = landing.promotion()
    assert found is not None
    if found.step != "rolled_back":  # a person insisted: the next process goes on
        assert landing.watch_once().code == 0
    assert (landing.tree("dir"), done.code) == (landing.base, 130)


def test_a_signal_to_one_who_only_waits_changes_nothing(landing: Landing) -> None:
    landing.policy(monitor={"probes": []})
    process = landing.submitting(GOOD, landing.dir)
    run = landing.promoted().run
    waiting, joined = landing.start("run", "wait", run, "--format", "json"), landing.submitting(GOOD, landing.dir)
    joined.says("")
    until(lambda: "under way" in joined.err or "already" in joined.err, why=lambda: joined.err)
    time.sleep(1)
    waiting.stop(signal.SIGINT)
    assert waiting.ended().code == 130
    if joined.process.poll() is None:
        joined.stop(signal.SIGINT)
        assert joined.ended().code == 130
    time.sleep(1)
    found = landing.promotion()
    assert found is not None
    assert (found.step, process.process.poll()) == ("promoted", None)
    landing.about("confirm")
    assert process.ended().code == 0


def test_whoever_waits_gets_the_report_and_the_exit_code_of_the_run(landing: Landing) -> None:
    landing.policy(monitor={"probes": []})
    process = landing.submitting(GOOD, landing.dir)
    run = landing.promoted().run
    early = landing.about("run wait", run, "--timeout", "1s")
    assert (early.code, "goes on still" in early.error["message"]) == (4, True)
    waiting = landing.start("run", "wait", run[:6], "--format", "json")
    landing.about("rollback")
    assert process.ended().code == 5
    assert waiting.ended().report["ending"] == "rolled_back"


def test_a_run_that_is_cancelled_during_its_trial_promotes_nothing(landing: Landing) -> None:
    process = landing.submitting(landing.slow(4), landing.dir)
    process.comes_to("trial")
    asked = landing.about("run cancel")
    done = process.ended()
    assert (asked.code, done.code, done.report["ending"], landing.tree("dir")) == (130, 130, "cancelled", landing.base), done
    assert left() == LEFT_NOTHING


def test_a_run_that_is_cancelled_during_its_watch_is_taken_back(landing: Landing) -> None:
    landing.policy(monitor={"probes": []})
    process = landing.submitting(GOOD, landing.git)
    landing.promoted()
    asked = landing.about("run cancel")
    assert (asked.code, process.ended().code, landing.tree("git")) == (5, 5, landing.base)


def test_a_run_whose_process_was_killed_during_the_trial_goes_on_where_it_was(landing: Landing) -> None:
    process = landing.submitting(landing.slow(3), landing.dir)
    process.comes_to("trial")
    time.sleep(0.5)
    process.kill()
    told = landing.about("run wait")
    assert (told.code, "nobody works on run" in told.error["message"]) == (4, True), told
    assert "seatrial run resume" in told.error["hint"]
    done = landing.about("run resume")
    assert (done.code, done.report["ending"], done.report["timings"].get("preflight") is not None) == (0, "confirmed", True), done
    assert "preflight" not in done.err, "what was kept was done again"
    assert left() == LEFT_NOTHING


def test_submitting_again_goes_on_with_what_a_killed_process_left(landing: Landing) -> None:
    change = landing.slow(2)
    process = landing.submitting(change, landing.dir)
    process.comes_to("trial")
    run = landing.filed().run.id
    process.kill()
    done = landing.submit(change, landing.dir)
    assert (done.code, done.report["run"]) == (0, run), done


# ── watchers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_watcher_nothing_is_left_alone_and_the_line_to_type_is_said(landing: Landing) -> None:
    detached = landing.submit(GOOD, landing.dir, "--detach")
    landing.policy(monitor={"watcher": "required"})
    required = landing.submit(GOOD, landing.dir)
    for done in (detached, required):
        assert (done.code, done.error["code"]) == (2, "usage"), done
        assert "systemd-run --user --unit=seatrial-watch --property=Restart=always seatrial watch" in done.err
    assert landing.latest() is None
    assert landing.tree("dir") == landing.base


@FOLDERS
def test_what_is_left_to_a_watcher_lands_without_the_process_that_submitted_it(kind: str, landing: Landing) -> None:
    landing.policy(monitor={"watcher": "required"})
    watcher = landing.start("watch")
    watcher.says("watching as")
    done = landing.submit(GOOD, landing.target(kind), "-d")
    run = done.out.strip()
    assert (done.code, len(run)) == (0, 12), done
    waited = landing.about("run wait", run)
    assert (waited.code, waited.report["ending"], landing.tree(kind)) == (0, "confirmed", waited.report["change"]["tree"])
    watcher.stop(signal.SIGTERM)
    assert watcher.ended().code == 143
    assert f"run {run}: monitor" in watcher.err


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=SELDOM)])
def test_a_watcher_that_is_replaced_goes_on_with_its_runs(number: signal.Signals, landing: Landing) -> None:
    landing.policy(monitor={"probes": []})
    first = landing.start("watch")
    first.says("watching as")
    run = landing.submit(GOOD, landing.dir, "--detach").out.strip()
    deadline = landing.promoted(run).deadline
    first.stop(number)
    first.ended()
    found = landing.promotion(run)
    assert found is not None
    assert found.step == "promoted", "stopping a watcher took its promotions back"
    second = landing.start("watch")
    second.says("watching as")
    time.sleep(1)
    done = landing.about("confirm", run)
    ended = landing.promotion(run)
    assert ended is not None
    assert (done.code, ended.deadline) == (0, deadline), done
    second.stop(signal.SIGTERM)
    second.ended()


@SELDOM
def test_a_watcher_that_came_later_ends_what_was_left_before(landing: Landing) -> None:
    landing.policy(monitor={"probes": [], "deadline": "3s"})
    process = landing.submitting(GOOD, landing.dir)
    landing.promoted()
    process.kill()
    watcher = landing.start("watch")
    until(lambda: landing.filed().run.state == "ended", why=lambda: watcher.err)
    assert landing.tree("dir") == landing.base
    watcher.stop(signal.SIGINT)
    assert watcher.ended().code == 130


def test_a_run_that_was_filed_and_never_set_out_is_not_lost(landing: Landing) -> None:
    before = (
        "import os\n"
        "from runner.store.submissions import SqlSubmissions\n"
        "file = SqlSubmissions.file\n"
        "SqlSubmissions.file = lambda self, submission: (file(self, submission), os.kill(os.getpid(), 9))\n"
    )
    assert landing.submit(GOOD, landing.dir, before=before).code == -9
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, len(json.loads(landing.run("run", "list", "--format", "json").out)["runs"])) == (0, 1), done
