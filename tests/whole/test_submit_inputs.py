"""Bad targets, bad machines, bad commands and bad clocks: a clear ending, and nothing lost."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from testing.landing import GOOD, Landing, frozen_at, killed_at, until

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN, it needs root: it mounts file systems")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "mount.diff"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "seatrial-test", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def project(landing: Landing, folder: Path) -> str:
    """The base as a live folder there."""
    shutil.copytree(landing.repo, folder, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)
    return f"dir:{folder}"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("dir:missing", "missing"),
        ("dir:berth/README.md", "README.md"),
        ("dir:", "names no path"),
        ("git:missing#main", "missing"),
        ("git:berth#no..such", "git allows no ref"),
        ("svn:berth", "what kind of target"),
        ("git:berth#HEAD", "HEAD"),
        ("dir:fifo", "fifo"),
        ("dir:/", "root of the file system"),
    ],
)
def test_a_target_that_is_none_is_a_usage_error_before_anything_runs(target: str, words: str, landing: Landing) -> None:
    os.mkfifo(landing.folder / "fifo")
    place = target.replace(":", f":{landing.folder}/", 1) if target not in ("dir:", "dir:/") else target
    done = landing.submit(GOOD, place)
    assert (done.code, done.error["code"], words in done.error["message"]) == (2, "usage", True), done
    assert landing.latest() is None


def test_a_dirty_live_folder_is_held_and_stays_as_it_is(landing: Landing) -> None:
    assert landing.dir
    (landing.live / "README.md").write_text("by hand\n")
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.report["state"], "README.md" in done.report["reason"]) == (3, "held", True), done
    assert "trial" not in done.report["timings"] or done.report["promotion"] is None
    assert (landing.live / "README.md").read_text() == "by hand\n"


@ROOT_ONLY
def test_a_folder_that_its_owner_does_not_let_others_write_is_said(landing: Landing) -> None:
    """As one who is not its owner and may not do what only root may."""
    above = landing.folder / "theirs.diff"
    target = project(landing, above / "app")
    for path in (above, *above.rglob("*")):
        os.chown(path, 65534, 65534)
    done = landing.submit(GOOD, target, under=("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown"))
    assert (done.code, "may not be written to" in done.error["message"], landing.latest()) == (2, True, None), done
    assert (above / "app/src/berth/quay.py").read_bytes() == (landing.repo / "src/berth/quay.py").read_bytes()
    assert [path.name for path in above.iterdir()] == ["app"]


@ROOT_ONLY
def test_a_folder_on_a_read_only_file_system_is_said(landing: Landing, mounted: Path) -> None:
    target = project(landing, mounted / "app")
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    done = landing.submit(GOOD, target)
    assert done.code in (2, 3, 4), done
    assert "this is a bug" not in done.err
    assert (mounted / "app/src/berth/quay.py").read_bytes() == (landing.repo / "src/berth/quay.py").read_bytes()


@ROOT_ONLY
def test_a_mount_point_is_promoted_file_by_file_and_the_report_says_so(landing: Landing, mounted: Path) -> None:
    target = project(landing, mounted)
    done = landing.submit(GOOD, target)
    assert (done.code, done.report["promotion"]["method"], done.report["promotion"]["mixed"]) == (0, "journal", True), done
    assert "mix" in landing.run("run", "show", "latest").out
    assert "fitting" in (mounted / "src/berth/quay.py").read_text()
    assert landing.about("rollback").code == 5
    assert (mounted / "src/berth/quay.py").read_bytes() == (landing.repo / "src/berth/quay.py").read_bytes()
    assert not (mounted / "tests/test_quay_taken.py").exists()


@ROOT_ONLY
def test_a_disk_that_has_no_room_for_the_step_is_said_before_anything_is_tried(landing: Landing, mounted: Path) -> None:
    target = project(landing, mounted / "app")
    (mounted / "app" / "ballast").write_bytes(b"x" * 150_000)
    done = landing.submit(landing.change({"BIG.md": "a line that takes room\n" * 6000}), target)
    assert (done.code, "are free" in done.error["message"], landing.latest()) == (2, True, None), done


@ROOT_ONLY
def test_a_disk_that_is_full_half_way_leaves_the_folder_as_it_was(landing: Landing, mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=2m", mounted], check=True)
    target, sign, go = project(landing, mounted / "app"), landing.folder / "sign.diff", landing.folder / "go.diff"
    change = landing.change({"BIG.md": "a line that takes room\n" * 6000})
    process = landing.submitting(change, target, before=frozen_at("promote.intended", sign, go))
    until(sign.exists, why=lambda: process.err)
    with suppress(OSError):
        (mounted / "app" / "ballast").write_bytes(b"x" * 4_000_000)
    grown = (mounted / "app" / "ballast").stat().st_size
    go.touch()
    done = process.ended()
    assert (done.code, done.report["ending"]) == (4, "failed"), done
    assert "space" in done.report["reason"]
    assert not (mounted / "app/BIG.md").exists()
    assert sorted(path.name for path in mounted.iterdir()) == ["app"], "something was left beside it"
    assert (mounted / "app" / "ballast").stat().st_size == grown
    (mounted / "app" / "ballast").unlink()
    again = landing.submit(change, target)
    assert (again.code, (mounted / "app/BIG.md").exists()) == (0, True), again


@ROOT_ONLY
def test_a_state_folder_that_cannot_be_written_is_said_before_anything_runs(landing: Landing, mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    landing.env = {"XDG_STATE_HOME": str(mounted)}
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.error["code"]) == (4, "store-unavailable"), done
    assert landing.tree("dir") == landing.base


@ROOT_ONLY
def test_a_state_folder_that_is_full_ends_clearly_and_touches_nothing(landing: Landing, mounted: Path) -> None:
    landing.env = {"XDG_STATE_HOME": str(mounted)}
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, "this is a bug" in done.err) == (4, False), done
    assert landing.tree("dir") == landing.base


# ── the operator's commands ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["sh", "-c", "echo no such unit >&2; exit 3"], "ended with status 3: no such unit"),
        (["sleep", "600"], "was ended after 1s"),
        pytest.param(["/no/such/program"], "cannot be started", marks=pytest.mark.long),
        pytest.param(["sh", "-c", "kill -9 $$"], "by signal 9", marks=pytest.mark.long),
    ],
)
def test_a_command_after_the_promotion_that_fails_takes_it_back(command: list[str], words: str, landing: Landing) -> None:
    landing.policy(promote={"after": {"command": command, "timeout": "1s"}}, rollback={"after": {"command": ["true"]}})
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.report["ending"], landing.tree("dir")) == (5, "rolled_back", landing.base), done
    assert words in done.result("after")["reason"]
    assert words in done.report["reason"]
    assert "monitor" not in [line.split()[-1] for line in done.err.splitlines() if line] or done.result("rollback")["outcome"] == "pass"


@pytest.mark.long
def test_a_command_that_succeeded_is_not_run_again_after_a_crash_but_one_that_was_cut_short_is(landing: Landing) -> None:
    counted = landing.folder / "counted.diff"
    landing.policy(promote={"after": {"command": ["sh", "-c", f"echo x >> {counted}"]}})
    assert landing.submit(GOOD, landing.dir, before=killed_at("promote.after.done")).code == -signal.SIGKILL
    assert landing.about("run resume").code == 0
    assert counted.read_text() == "x\nx\n", "whether it was done is known only once the stage is kept"
    counted.unlink()
    assert landing.submit(landing.change({"NOTES.md": "x\n"}), landing.dir, before=killed_at("monitor.begins")).code == -signal.SIGKILL
    assert landing.about("run resume").code == 0
    assert counted.read_text() == "x\n"


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hours", [1, pytest.param(-1, marks=pytest.mark.long)])
def test_a_clock_that_jumps_by_an_hour_confirms_nothing_and_loses_nothing(hours: int, landing: Landing) -> None:
    """Forward it is beyond the deadline; back the deadline seems far, and the clock that never jumps decides."""
    sign = landing.folder / "jump.diff"
    landing.policy(monitor={"probes": [], "deadline": "60s" if hours > 0 else "5s"})
    process = landing.submitting(GOOD, landing.dir, before=JUMPING.format(sign=str(sign), seconds=3600 * hours))
    landing.promoted()
    sign.touch()
    done = process.ended()
    assert (done.code, landing.tree("dir")) == (5, landing.base), done
    landing.policy()
    other = landing.submit(landing.change({"NOTES.md": "x\n"}), landing.dir)
    assert other.code == 0, other
    assert landing.run("audit", "verify").code == 0


JUMPING = """
import pathlib
from runner.store.sqlite import SqliteFile
was, sign = SqliteFile.clock, pathlib.Path({sign!r})
SqliteFile.clock = property(lambda self: f"({{was}}) + ({seconds})" if sign.exists() else was)
"""
