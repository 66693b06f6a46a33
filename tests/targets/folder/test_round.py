"""A whole round in each form: prepared, stepped, verified, taken back, tidied; the service's files follow both ways."""

import os
import socket
import stat
from pathlib import Path

import pytest

from runner.errors import TargetMoved
from runner.model.promotion import Place
from tests.targets.folder.laid import NEW, OLD, Live, exchanged, held, lay, stepped

SERVICE = {
    b"data/log": ("file", b"l\n"),
    b"src/__pycache__/m.pyc": ("file", b"p"),
    b"gone/deep/left": ("file", b"f"),
    b"data/l": ("link", b"log"),
    b"\xfe\n.db": ("file", b"d"),
}


def test_a_round_there_and_back_leaves_the_folder_as_it_was_and_nothing_beside(live: Live) -> None:
    lay(live.path, SERVICE)
    promotion = live.promote()
    assert promotion.method == live.method
    assert held(live.path) == NEW | SERVICE
    with live.objects() as objects:
        target = live.target()
        assert target.verify(promotion, objects, live.after) == ""
        assert "a.txt" in target.verify(promotion, objects, live.before)
        standing = target.take_back(promotion, objects)
        assert (standing.place, standing.tree) == (Place.OLD, live.before)
        assert held(live.path) == OLD | SERVICE
        assert target.verify(promotion, objects, live.before) == ""
        target.tidy(promotion, objects)
    assert held(live.path) == OLD | SERVICE
    assert live.left() == live.beside


def test_a_confirmed_promotion_leaves_the_new_content_and_nothing_beside(live: Live) -> None:
    lay(live.path, SERVICE)
    promotion = live.promote()
    live.ask("tidy", promotion)
    live.ask("tidy", promotion)  # a second time changes nothing
    assert held(live.path) == NEW | SERVICE
    new = live.left() - live.beside
    assert new == (set() if live.method != "symlink" else {f"releases/{live.after[:12]}.seatrial-r1-1"})


def test_steps_may_be_asked_for_again(live: Live) -> None:
    promotion = live.promote()
    with live.objects() as objects:
        target = live.target()
        target.swap(promotion, objects)
        assert live.look() == "new"
        for _ in range(2):
            assert target.take_back(promotion, objects).place is Place.OLD
    assert held(live.path) == OLD


def test_what_is_prepared_twice_is_laid_once(live: Live) -> None:
    with live.objects() as objects:
        live.target().prepare(live.promotion(), objects)
        live.target().prepare(live.promotion(), objects)
        prepared = live.target().prepare(live.promotion(fence=3), objects)
        live.target().swap(prepared, objects)
        assert held(live.path) == NEW
        live.target().take_back(prepared, objects)
        live.target().tidy(prepared, objects)
    assert (held(live.path), live.left()) == (OLD, live.beside)


def test_what_was_laid_and_not_used_is_tidied_away(live: Live) -> None:
    lay(live.path, SERVICE)
    with live.objects() as objects:
        prepared = live.target().prepare(live.promotion(), objects)
        assert live.left() != live.beside
        live.target().tidy(prepared, objects)
    assert (held(live.path), live.left()) == (OLD | SERVICE, live.beside)


def test_a_managed_file_that_was_edited_stops_the_promotion_before_and_the_rollback_after_it(live: Live) -> None:
    with live.objects() as objects:
        prepared = live.target().prepare(live.promotion(), objects)
        (live.path / "src" / "m.py").write_text("VERSION = 'mine'\n")
        with pytest.raises(TargetMoved, match=r"src/m\.py"):
            live.target().swap(prepared, objects)
        (live.path / "src" / "m.py").write_text("VERSION = 'old'\n")
        live.target().swap(prepared, objects)
        (live.path / "src" / "m.py").write_text("VERSION = 'mine'\n")
        standing = live.target().take_back(prepared, objects)
    assert standing.place is Place.OTHER
    assert "src/m.py" in standing.reason
    assert str(live.path) in standing.reason
    copy = standing.reason.rpartition("the other copy is in '")[2].rstrip("'.")
    assert Path(copy).is_dir()
    assert held(live.path) == NEW | {b"src/m.py": ("file", b"VERSION = 'mine'\n")}


@pytest.mark.parametrize("spoil", ["unlink", "chmod", "folder", "extra"])
def test_any_way_of_editing_counts(live: Live, spoil: str) -> None:
    promotion = live.promote()
    path = live.path / "a.txt"
    if spoil == "unlink":
        path.unlink()
    elif spoil == "chmod":
        path.chmod(0o755)
    elif spoil == "folder":
        path.unlink()
        path.mkdir()
    else:
        (live.path / "gone" / "deep").mkdir(parents=True, exist_ok=True)
        (live.path / "gone" / "deep" / "x.txt").write_text("made again, though the change removed it")
    before = held(live.path)
    assert live.ask("take_back", promotion).place is Place.OTHER
    assert held(live.path) == before


@stepped
def test_what_the_service_does_between_step_and_rollback_is_there_afterwards(live: Live) -> None:
    lay(live.path, SERVICE)
    promotion = live.promote()
    (live.path / "data" / "log").write_text("changed in place\n")
    (live.path / "data" / "l").unlink()
    (live.path / "\udcfe\n.db").rename(live.path / "renamed.db")
    lay(live.path, {b"fresh/deep/left": ("file", b"in a new folder"), b"made/by/it": ("file", b"m")})
    (live.path / "empty").mkdir(mode=0o711)
    live.ask("take_back", promotion)
    kept = {
        b"data/log": ("file", b"changed in place\n"),
        b"renamed.db": ("file", b"d"),
        b"fresh/deep/left": ("file", b"in a new folder"),
        b"made/by/it": ("file", b"m"),
        b"src/__pycache__/m.pyc": ("file", b"p"),
        b"gone/deep/left": ("file", b"f"),
    }
    assert held(live.path) == OLD | kept
    assert stat.S_IMODE((live.path / "empty").stat().st_mode) == 0o711
    live.ask("tidy", promotion)
    assert held(live.path) == OLD | kept
    assert live.left() == live.beside


@stepped
def test_what_appears_vanishes_and_is_replaced_while_it_is_prepared_follows(live: Live) -> None:
    lay(live.path, SERVICE)
    with live.objects() as objects:
        target = live.target()
        prepared = target.prepare(live.promotion(), objects)
        (live.path / "data" / "log").unlink()
        lay(live.path, {b"later/file": ("file", b"l"), b"data/new": ("file", b"n")})
        beside = live.path / "src" / "tmp"
        beside.write_bytes(b"replaced")
        beside.rename(live.path / "src" / "__pycache__" / "m.pyc")
        target.swap(prepared, objects)
    changed = {b"later/file": ("file", b"l"), b"data/new": ("file", b"n"), b"src/__pycache__/m.pyc": ("file", b"replaced")}
    gone = {b"data/log"}
    assert held(live.path) == {path: one for path, one in (NEW | SERVICE | changed).items() if path not in gone}


@stepped
def test_what_is_written_through_an_open_old_folder_is_brought_over_and_wins_over_nothing(live: Live) -> None:
    lay(live.path, {b"data/state": ("file", b"1"), b"data/both": ("file", b"1"), b"data/dropped": ("file", b"1")})
    old = os.open(live.path / "data", os.O_RDONLY | os.O_DIRECTORY)
    promotion = live.promote()

    def replaced(name: str, content: bytes) -> None:
        file = os.open("tmp", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=old)
        os.write(file, content)
        os.close(file)
        os.rename("tmp", name, src_dir_fd=old, dst_dir_fd=old)

    replaced("state", b"2")
    replaced("late", b"made late")
    replaced("both", b"there")
    os.unlink("dropped", dir_fd=old)
    (live.path / "data" / "here").write_bytes(b"here")
    (live.path / "data" / "here").rename(live.path / "data" / "both")
    os.close(old)
    live.ask("tidy", promotion)
    assert {path: content for path, (_, content) in held(live.path).items() if path.startswith(b"data/")} == {
        b"data/state": b"2",
        b"data/late": b"made late",
        b"data/both": b"here",
        b"data/both.seatrial-r1": b"there",
    }


@stepped
def test_an_edit_in_the_old_folder_is_kept_under_another_name(live: Live) -> None:
    old = os.open(live.path, os.O_RDONLY | os.O_DIRECTORY)
    promotion = live.promote()
    os.unlink("a.txt", dir_fd=old)
    file = os.open("a.txt", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=old)
    os.write(file, b"somebody's work")
    os.close(file)
    os.close(old)
    standing = live.ask("take_back", promotion)
    assert standing.place is Place.OLD
    live.ask("tidy", promotion)
    kept = held(live.path)
    if live.method == "exchange":
        assert kept.pop(b"a.txt.seatrial-r1") == ("file", b"somebody's work")
    assert kept == OLD


@stepped
@pytest.mark.parametrize("lost", ["removed", "damaged"])
def test_a_rollback_whose_old_folder_is_lost_builds_it_again(live: Live, lost: str) -> None:
    lay(live.path, SERVICE)
    promotion = live.promote()
    copy = live.path.parent / ".app.seatrial-r1-1" if live.method == "exchange" else live.path.parent / "releases" / "first"
    if lost == "removed":
        copy.rename(live.top / "elsewhere")
    else:
        (copy / "src" / "m.py").unlink()
    assert live.ask("take_back", promotion).place is Place.OLD
    live.ask("tidy", promotion)
    assert held(live.path) == OLD | SERVICE


@pytest.mark.parametrize("live", ["journal"], indirect=True)
def test_a_journal_whose_stage_is_lost_is_made_again(live: Live) -> None:
    promotion = live.promote()
    (live.path / ".seatrial-r1-1").rename(live.top / "elsewhere")
    assert live.ask("take_back", promotion).place is Place.OLD
    live.ask("tidy", promotion)
    assert (held(live.path), live.left()) == (OLD, live.beside)


def test_modes_owners_and_attributes_are_those_of_what_is_replaced(live: Live) -> None:
    top = Path(os.path.realpath(live.path))
    (top / "a.txt").chmod(0o640)
    (top / "src").chmod(0o2750)
    top.chmod(0o751)
    if not os.geteuid():
        os.chown(top / "a.txt", 12, 13)
        os.chown(top / "src", 14, 15)
        (top / "src").chmod(0o2750)
    try:
        os.setxattr(top / "src", "user.seatrial", b"here")
    except OSError:
        pytest.skip("no extended attributes here")
    owners = [(os.lstat(top / name).st_uid, os.lstat(top / name).st_gid) for name in ("a.txt", "src")]
    promotion = live.promote()
    live.ask("tidy", promotion)
    top = Path(os.path.realpath(live.path))
    assert [stat.S_IMODE((top / name).stat().st_mode) for name in ("a.txt", "src", ".")] == [0o640, 0o2750, 0o751]
    assert [(os.lstat(top / name).st_uid, os.lstat(top / name).st_gid) for name in ("a.txt", "src")] == owners
    assert os.getxattr(top / "src", "user.seatrial") == b"here"
    assert stat.S_IMODE((top / "run.sh").stat().st_mode) == 0o644
    assert (top / "fresh" / "deep" / "new.py").stat().st_mode & 0o100


def test_fifos_sockets_and_links_that_lead_nowhere_follow_and_nothing_hangs(live: Live) -> None:
    lay(live.path, {b"data/nowhere": ("link", b"/does/not/exist"), b"data/loop": ("link", b"loop"), b"data/out": ("link", b"/etc")})
    os.mkfifo(live.path / "data" / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(live.path / "data")  # a socket's name must be short
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
        promotion = live.promote()
        assert stat.S_ISFIFO((live.path / "data" / "fifo").lstat().st_mode)
        assert stat.S_ISSOCK((live.path / "data" / "socket").lstat().st_mode)
        assert live.ask("take_back", promotion).place is Place.OLD
        live.ask("tidy", promotion)
    assert stat.S_ISFIFO((live.path / "data" / "fifo").lstat().st_mode)
    assert live.left() == live.beside
    assert Path("/etc").is_dir()


def test_two_promotions_one_after_the_other(live: Live) -> None:
    lay(live.path, SERVICE)
    first = live.promote()
    live.ask("tidy", first)
    back = live.promotion("r2").model_copy(update={"before": live.after, "after": live.before})
    second = live.promote(back)
    live.ask("tidy", second)
    assert held(live.path) == OLD | SERVICE
    if live.method == "symlink":
        assert sorted(path.name for path in (live.path.parent / "releases").iterdir()) == sorted(
            ["first", f"{live.after[:12]}.seatrial-r1-1", f"{live.before[:12]}.seatrial-r2-1"]
        )
        third = live.promote(live.promotion("r3"))
        live.ask("tidy", third)
        left = sorted(path.name for path in (live.path.parent / "releases").iterdir())
        assert left == sorted(["first", f"{live.before[:12]}.seatrial-r2-1", f"{live.after[:12]}.seatrial-r3-1"])
    else:
        assert live.left() == live.beside


@exchanged
def test_the_old_folder_stays_for_those_who_still_read_in_it(live: Live) -> None:
    live.grace = 0.3
    promotion = live.promote()
    old = live.path.parent / ".app.seatrial-r1-1"
    left = old.lstat().st_ctime
    live.ask("tidy", promotion)
    assert not old.exists()
    assert live.path.parent.stat().st_mtime - left >= 0.29
