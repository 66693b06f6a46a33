"""What the cache holds, and its removal under running checks, links, kills and foreign owners."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.sandbox import cached, live
from runner.sandbox.snapshots import Snapshots, lock_of
from runner.sandbox.treewriter import owner_for

ROOT = Path(__file__).parents[2]
OWNER = owner_for(os.getuid(), os.getgid())


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def snapshot(cache, trees, tmp_path):
    """Makes a snapshot of one file; with `age` it was last used so many seconds ago, by nobody any more."""

    def make(content: bytes, age: float | None = None) -> tuple[Path, Snapshots]:
        (tmp_path / "scratch").mkdir(exist_ok=True)
        keeper = Snapshots(cache, OWNER, lambda _: None)
        place = keeper.ensure(trees.add({"a": content, "d/b": content}), trees, tmp_path / "scratch")
        if age is not None:
            keeper.close()
            os.utime(lock_of(cache, place.name), (time.time() - age,) * 2)
        return place, keeper

    return make


def all_kinds(cache: Path) -> cached.Cleared:
    return cached.clear(cache, cached.CLEARED)


def test_each_thing_is_counted_once_with_its_size_and_last_use(cache, snapshot):
    place, _ = snapshot(b"x" * 10_000, age=100)
    (cache / "baselines").mkdir()
    (cache / "baselines" / "k.json.gz").write_bytes(b"1" * 5000)
    os.utime(cache / "baselines" / "k.json.gz", (7, 7))
    (cache / "settled").mkdir()
    (cache / "settled" / "k.json").write_bytes(b"[]")
    (cache / "registry.json").write_text("{}")
    (cache / "news").write_text("")
    found = {(entry.kind, entry.name): entry for entry in cached.entries(cache)}
    assert {key for key in found if key[0] != "locks"} == {
        ("snapshots", place.name),
        ("baselines", "k.json.gz"),
        ("settled", "k.json"),
        ("registry", "registry.json"),
        ("other", "news"),
    }
    kept = found["snapshots", place.name]
    assert 20_000 < kept.size < 60_000
    assert time.time() - kept.used == pytest.approx(100, abs=5)
    assert not kept.in_use
    assert found["baselines", "k.json.gz"].used == 7


def test_a_snapshot_in_use_stays_until_it_is_let_go(cache, snapshot):
    place, keeper = snapshot(b"1")
    assert [entry.in_use for entry in cached.entries(cache) if entry.kind == "snapshots"] == [True]
    assert [entry.name for entry in all_kinds(cache).kept] == [place.name]
    assert (place / "d" / "b").read_bytes() == b"1"
    keeper.close()
    assert [entry.name for entry in all_kinds(cache).removed] == [place.name]
    assert not place.exists()
    assert list((cache / "locks").iterdir()) == []
    assert list((cache / "live").iterdir()) == []


def test_two_runs_use_one_snapshot_and_the_last_one_counts(cache, snapshot):
    (place, first), (_, second) = snapshot(b"1"), snapshot(b"1")
    first.close()
    assert all_kinds(cache).removed == ()
    second.close()
    assert len(all_kinds(cache).removed) == 1
    assert not place.exists()


def test_a_killed_run_holds_nothing(cache, snapshot):
    place, keeper = snapshot(b"1")
    keeper.close()
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom runner.sandbox.file_lock import share\n"
        "share(Path(sys.argv[1]))\nprint('held', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, lock_of(cache, place.name)], cwd=ROOT, stdout=subprocess.PIPE) as run:
        assert run.stdout.readline() == b"held\n"
        assert all_kinds(cache).removed == ()
        run.send_signal(signal.SIGKILL)
    assert len(all_kinds(cache).removed) == 1


def test_only_what_was_not_used_lately_goes(cache, snapshot):
    (old, _), (young, _) = snapshot(b"old", age=1000), snapshot(b"young", age=10)
    done = cached.clear(cache, cached.CLEARED, time.time() - 500)
    assert [entry.name for entry in done.removed] == [old.name]
    assert young.exists()


def test_a_snapshot_without_a_lock_is_as_old_as_its_folder(cache, snapshot):
    place, _ = snapshot(b"1", age=5000)
    lock_of(cache, place.name).unlink()
    assert cached.clear(cache, cached.CLEARED, time.time() - 500).removed == ()
    assert len(all_kinds(cache).removed) == 1
    assert not place.exists()


def test_what_was_removed_is_made_again(cache, snapshot):
    place, _ = snapshot(b"1", age=0)
    all_kinds(cache)
    again, _ = snapshot(b"1")
    assert again == place
    assert (again / "a").read_bytes() == b"1"


@pytest.mark.parametrize("where", ["snapshots", "baselines", "locks", "other", "inside"])
def test_links_are_removed_themselves_and_never_followed(cache, snapshot, tmp_path, where):
    outside = tmp_path / "outside"
    (outside / "below").mkdir(parents=True)
    (outside / "precious").write_text("x" * 100_000)
    place, _ = snapshot(b"1", age=0)
    if where == "inside":
        (place / "link").symlink_to(outside)
        (place / "d" / "link").symlink_to(outside / "precious")
    elif where in ("baselines", "other"):
        (cache / where).symlink_to(outside)
    else:
        (cache / where / "link").symlink_to(outside)
    assert sum(entry.size for entry in cached.entries(cache)) < 100_000
    done = cached.clear(cache, (*cached.CLEARED, "other"))
    assert done.problems == ()
    assert (outside / "precious").exists()
    assert (outside / "below").exists()
    assert not place.exists()


def test_read_only_folders_of_a_snapshot_go_too(cache, snapshot):
    place, _ = snapshot(b"1", age=0)
    (place / "d").chmod(0o500)
    assert len(all_kinds(cache).removed) == 1
    assert list((cache / "live").iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_what_belongs_to_somebody_else_is_named_and_the_rest_goes(cache, snapshot):
    """A cache that root filled, cleared by a member of the docker group."""
    (foreign, _), (own, _) = snapshot(b"foreign", age=0), snapshot(b"own", age=0)
    somebody = 12345
    for path in (cache, cache / "snapshots", cache / "locks", *(cache / "locks").iterdir(), own, own / "a", own / "d", own / "d" / "b"):
        os.chown(path, somebody, somebody)
    os.chown(foreign, 0, 0)
    (cache / "baselines").mkdir()
    os.chown(cache / "baselines", somebody, somebody)
    (cache / "live").mkdir(exist_ok=True)
    os.chown(cache / "live", somebody, somebody)
    code = f"""
import os
from pathlib import Path
from runner.sandbox import cached, mounts
mounts.mounted_under(Path("/"))  # loads what it needs while the interpreter's own folders can be read
os.chdir({str(cache)!r})  # the folders above may be root's alone
os.setgid({somebody}); os.setuid({somebody})
done = cached.clear(Path(), cached.CLEARED)
print([entry.name for entry in done.removed], done.problems)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert own.name in done.stdout, done.stderr
    assert "cannot be removed" in done.stdout
    assert "belongs to user 0, you are 12345" in done.stdout
    assert foreign.exists()
    assert not own.exists()


def test_a_clear_that_is_killed_leaves_the_rest_whole_and_the_next_start_tidies_up(cache, snapshot, tmp_path):
    for number in range(5):
        snapshot(b"%d" % number, age=0)
    code = f"""
import os, signal
from pathlib import Path
from runner.sandbox import cached
erase, seen = cached._erase, []
def killed(name, directory):
    seen.append(name)
    if len(seen) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    erase(name, directory)
cached._erase = killed
cached.clear(Path({str(cache)!r}), cached.CLEARED)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == -signal.SIGKILL
    left = list((cache / "snapshots").iterdir())
    assert len(left) == 2
    assert all((path / "d" / "b").exists() for path in left)
    stale = list(live.stale(cache / "live"))
    assert len(stale) == 1
    live.erase(stale[0].path)
    assert list((cache / "live").iterdir()) == []


def test_runs_in_progress_are_shown_and_never_cleared(cache):
    with live.scratch(cache / "live") as folder:
        (folder / "x").write_text("1")
        assert [entry.kind for entry in cached.entries(cache)] == ["live"]
        assert cached.clear(cache, cached.CLEARED) == cached.Cleared()
        assert (folder / "x").exists()


def test_a_cache_that_is_not_there_holds_nothing(tmp_path):
    assert cached.entries(tmp_path / "no") == ()
    assert cached.clear(tmp_path / "no", cached.CLEARED) == cached.Cleared()


def test_what_is_nested_deeper_than_can_be_walked_is_said_and_left_where_it_is(cache: Path) -> None:
    """A carried cache may hold what nobody here made; taken half apart, every later start would stumble over it."""
    (cache / "snapshots" / "deep").mkdir(parents=True)
    here = os.open(cache / "snapshots" / "deep", os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        assert [entry.name for entry in cached.entries(cache)] == ["deep"]
        done = cached.clear(cache, cached.CLEARED)
        assert done.removed == ()
        assert [problem.endswith("it is nested too deep") for problem in done.problems] == [True]
        assert (cache / "snapshots" / "deep").is_dir()
        assert list((cache / "live").iterdir()) == []
    finally:
        subprocess.run(["rm", "-rf", cache / "snapshots"], check=True)
