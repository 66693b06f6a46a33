"""Bad input and bad machines: one clear message, the right exit code, nothing lost, nothing left."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner import wiring
from runner.model.run import Run
from runner.sandbox.engine import Engine
from runner.sandbox.leftovers import HOME, PURPOSE, home_label, labels
from runner.sandbox.mounts import mount_tmpfs, unmount
from runner.store.places import places
from runner.store.runs import SqlRuns
from runner.wiring import demo
from testing.commands import Command
from testing.whole import LEFT_NOTHING, ROOT, Quiet, answers, commit, git, left

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
Seatrial = Callable[..., subprocess.CompletedProcess[str]]
REQUIRED = ("intake", "paths", "syntax", "load", "base", "tests", "inventory", "origin", "channels", "own-tests", "examples")
GOOD = str(ROOT / "examples/changes/good.diff")
SLOW = "import time\n\n\ndef test_slow():\n    time.sleep(60)\n"


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No run of this session's cache left anything; without this, a look at the wrong place would find nothing, too."""
    (places().cache / "live").mkdir(parents=True, exist_ok=True)
    yield
    assert left() == LEFT_NOTHING


def test_what_is_left_is_seen_even_without_a_directory_of_its_run(nothing_left: None) -> None:
    engine, cache = Engine(), places().cache
    marks = labels("0123456789ab", "test", home_label(cache))
    mount = cache / "live"
    volume = engine.api.create_volume("seatrial-test-left", labels=marks)["Name"]
    image = next(found["Id"] for found in engine.api.images())
    container = engine.api.create_container(image, ["true"], labels=marks)["Id"]
    if os.geteuid() == 0:
        mount_tmpfs(mount, "size=4k")
    try:
        found = left()
    finally:
        if os.geteuid() == 0:
            unmount(mount)
        engine.api.remove_container(container)
        engine.api.remove_volume(volume)
        engine.close()
    assert (found["containers"], found["volumes"], len(found["mounts"])) == ([container], [volume], int(os.geteuid() == 0))


def test_a_diff_from_a_pipe_and_json_on_standard_output(seatrial: Seatrial, nothing_left: None) -> None:
    done = seatrial("check", "-", "--format", "json", stdin=Path(GOOD).read_text())
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"], report["ending"], report["exit_code"]) == (0, "accept", "accepted", 0)
    assert report["schema"] == "seatrial.report/v1"


def test_a_branch_and_a_range_are_changes_too(seatrial: Seatrial, berth: Path) -> None:
    git(berth, "checkout", "-qb", "work")
    git(berth, "apply", GOOD)
    commit(berth)
    first, second = (
        json.loads(seatrial("check", *argv, "--format", "json").stdout) for argv in (["work", "--base", "main"], ["main..work"])
    )
    assert first["verdict"] == second["verdict"] == "accept"
    assert first["change"]["id"] == second["change"]["id"]


def test_a_repository_whose_path_is_not_utf_8_is_judged_and_recorded(seatrial: Seatrial, berth: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"rep\xff")
    shutil.copytree(berth, odd)
    done = seatrial("check", str(ROOT / "examples/changes/good.diff"), "--repo", str(odd), "--gates", "enforce")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(seatrial("run", "list", "-n", "1", "--format", "json").stdout)["runs"]
    assert (row["ending"], row["repository"]) == ("accepted", f"{tmp_path}/rep\\xff")


def test_a_dirty_work_tree_is_fine_and_untouched(seatrial: Seatrial, berth: Path) -> None:
    (berth / "src/berth/quay.py").write_text("this is not python (\n")
    (berth / "untracked").write_text("x")
    before = git(berth, "status", "--porcelain=v2", "--branch")
    assert seatrial("check", GOOD).returncode == 0
    assert git(berth, "status", "--porcelain=v2", "--branch") == before


def test_a_shallow_clone_can_judge_a_diff(seatrial: Seatrial, berth: Path, tmp_path: Path) -> None:
    commit(berth)
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{berth}", tmp_path / "shallow"], check=True)
    assert seatrial("check", GOOD, "--repo", str(tmp_path / "shallow")).returncode == 0
    missing = seatrial("check", GOOD, "--repo", str(tmp_path / "shallow"), "--base", "HEAD~1")
    assert (missing.returncode, "shallow" in missing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["no-such.diff"], 2, "no file"),
        ([GOOD, "--base", "no-such"], 2, "no revision"),
        ([GOOD, "--repo", "/"], 2, "not in a git repository"),
        ([GOOD, "--policy", "no-such.yaml"], 2, "cannot be read"),
        (["no-such-branch"], 2, "no revision"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(argv: list[str], code: int, words: str, seatrial: Seatrial) -> None:
    done = seatrial("check", *argv)
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (code, True, False)


def test_a_patch_for_another_base_is_rejected_with_gits_reason(seatrial: Seatrial, berth: Path) -> None:
    (berth / "src/berth/quay.py").write_text("pass\n")
    commit(berth)
    done = seatrial("check", GOOD, "--format", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (1, "reject")
    assert "patch does not apply" in report["reason"]


def test_an_engine_that_does_not_answer_is_exit_code_4(seatrial: Seatrial) -> None:
    done = seatrial("check", GOOD, "--format", "json", env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    assert (done.returncode, json.loads(done.stdout)["ending"]) == (4, "failed")


def test_an_image_that_is_not_there_is_exit_code_4_and_named(seatrial: Seatrial, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("seatrial: 1\nsandbox: {image: no-such-image-of-ours}\n")
    done = seatrial("check", GOOD, "--policy", str(policy), "--format", "json")
    assert done.returncode == 4
    assert "no-such-image-of-ours" in json.loads(done.stdout)["reason"]


def test_a_runtime_that_the_engine_does_not_know_is_exit_code_4_and_named(seatrial: Seatrial, tmp_path: Path, nothing_left: None) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("seatrial: 1\nsandbox: {runtime: no-such-runtime}\n")
    done = seatrial("check", GOOD, "--policy", str(policy), "--format", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["ending"], "no-such-runtime" in report["reason"]) == (4, "failed", True)


def test_a_full_disk_is_exit_code_4_and_said(seatrial: Seatrial, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "seatrial-test", small], check=True)
    try:
        done = seatrial("check", GOOD, env={"XDG_CACHE_HOME": str(small)})
    finally:
        subprocess.run(["umount", small], check=True)
    assert done.returncode == 4, done.stderr
    assert "No space left" in done.stdout + done.stderr


def started(berth: Path) -> subprocess.Popen[str]:
    """A check whose suite sleeps, once its containers run."""
    (berth / "tests/test_slow.py").write_text(SLOW)
    commit(berth)
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = Command(("check", GOOD, "--format", "json"), cwd=berth, **piped)
    engine, deadline = Engine(), time.monotonic() + 120
    running = {"label": f"{HOME}={home_label(places().cache)}", "status": "running"}
    while time.monotonic() < deadline and process.poll() is None:
        if any(found["Labels"][PURPOSE] in ("base", "patched") for found in engine.api.containers(filters=running)):
            engine.close()
            return process
        time.sleep(0.1)
    raise AssertionError(f"no container came up: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_check_at_once_and_nothing_is_left(number: signal.Signals, code: int, berth: Path, nothing_left: None) -> None:
    process = started(berth)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in errors) == (code, False)
    record = SqlRuns(places().state).list(1)[0]
    assert (record.ending, record.state, record.exit_code) == ("cancelled", "ended", code)


def test_after_kill_9_the_next_check_removes_what_was_left(berth: Path, seatrial: Seatrial) -> None:
    process = started(berth)
    deadline = time.monotonic() + 30
    while not any(record.state == "running" for record in SqlRuns(places().state).list(1)):
        assert time.monotonic() < deadline, "no record of the run was begun"
        time.sleep(0.1)
    process.kill()
    process.communicate()
    found = left()
    assert all(found[kind] for kind in ("containers", "volumes", "directories")), "the kill left nothing: this test shows nothing"
    record = SqlRuns(places().state).list(1)[0]
    assert (record.ending, record.reason) == ("cancelled", "the process ended before the run did")
    git(berth, "reset", "-q", "--hard", "HEAD~1")
    assert seatrial("check", GOOD).returncode == 0
    assert left() == LEFT_NOTHING


def test_the_example_project_of_the_demo_lies_where_the_next_start_finds_it(monkeypatch: pytest.MonkeyPatch, nothing_left: None) -> None:
    repos: list[Path] = []

    def killed(request: wiring.Request, progress: object) -> None:
        repos.append(request.repo)
        git(request.repo, "rev-parse", "HEAD")
        raise KeyboardInterrupt

    monkeypatch.setattr(wiring, "check", killed)
    with pytest.raises(KeyboardInterrupt):
        demo.judge(Quiet())
    assert repos[0].parents[1] == places().cache / "live"


def test_promise_8_stored_results_fold_to_the_stored_verdict(seatrial: Seatrial) -> None:
    from runner.model.result import Verdict, fold
    from runner.reports.report import from_json

    for name in ("good", "broken", "cheating"):
        seatrial("check", str(ROOT / f"examples/changes/{name}.diff"), controlled=True)
        record = SqlRuns(places().state).show("latest")
        report = from_json(record.report or "")
        again = fold(report.results, required=REQUIRED)
        assert (again.verdict, again.ending) == (record.verdict, record.ending) == (report.verdict, report.ending)
        for absent in REQUIRED:  # an answer that got lost must never read as a pass
            lost = fold([result for result in report.results if result.check != absent], required=REQUIRED)
            assert lost.verdict is not Verdict.ACCEPT


@pytest.mark.long
def test_a_hundred_checks_leave_nothing(seatrial: Seatrial, nothing_left: None) -> None:
    for _ in range(int(os.environ.get("SEATRIAL_RUNS", "5"))):
        assert seatrial("check", GOOD).returncode == 0


def test_clearing_the_cache_again_and_again_disturbs_no_check(
    judged: Callable[..., Run], diff: Callable[..., Path], seatrial: Seatrial
) -> None:
    patch = diff({"NOTES.md": "more\n"})
    stop = threading.Event()
    cleared: list[str] = []

    def clear() -> None:
        while not stop.is_set():
            cleared.append(seatrial("cache", "clear", "--format", "json").stdout)

    clearer = threading.Thread(target=clear)
    clearer.start()
    try:
        runs = [judged(patch) for _ in range(2)]
    finally:
        stop.set()
        clearer.join()
    assert [answers(run)["tests"] for run in runs] == ["pass", "pass"]
    assert any('"kind": "snapshots"' in text.partition('"kept"')[2] for text in cleared), "a clear met a snapshot in use"
