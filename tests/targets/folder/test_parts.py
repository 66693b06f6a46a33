"""The parts: names with fences, records, removal of anything, putting newer things back, marks."""

import os
import subprocess
from pathlib import Path

import pytest

from runner.errors import Fenced, InfrastructureError
from runner.targets.folder import carrying
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.foreign import FOLDER, Foreign, Mark, mark_at
from runner.targets.folder.managed import Managed, Sides, read
from runner.targets.folder.mounts import file_system, mounted_inside
from runner.targets.folder.names import CARRIED, Names
from runner.targets.folder.record import Heading, Record
from runner.targets.folder.removal import erase
from tests.targets.folder.laid import Child

NOTHING = Managed("0" * 40, {}, frozenset({b""}))


def test_whoever_takes_over_renames_everything_and_is_refused_when_somebody_has(tmp_path: Path) -> None:
    names = Names(tmp_path, ".a\n[b].seatrial-r-")
    for fence in (1, 2):
        names.at(fence).mkdir()
    names.at(1, CARRIED).write_text("x")
    (tmp_path / ".a\n[b].seatrial-rr-1").mkdir()
    (tmp_path / ".a\n[b].seatrial-r-x").mkdir()
    names.claim(7)
    assert {(one.fence, one.kind, one.gone) for one in names.present()} == {(7, "", False), (7, CARRIED, False), (1, "", True)}
    names.claim(7)
    with pytest.raises(Fenced):
        names.claim(6)
    names.clear(7)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a\n[b].seatrial-r-x", ".a\n[b].seatrial-rr-1"]


def test_of_two_with_smaller_fences_the_later_is_the_one(tmp_path: Path) -> None:
    names = Names(tmp_path, ".s-")
    names.at(1).write_text("1")
    names.at(10).write_text("10")
    names.claim(11)
    assert names.at(11).read_text() == "10"


def test_a_record_tells_what_was_written_and_added_and_ignores_what_is_torn(tmp_path: Path) -> None:
    record = Record(tmp_path / "r")
    assert record.read() is None
    heading = Heading(5, 6, "a" * 40, "b" * 40)
    record.write(heading, {b"": {b"a\nb": Mark("f", "1")}, b"d": {b"\xff": Mark("l", "ab"), b"x": FOLDER}})
    record.add(b"d/x", None)
    record.add(b"new", Mark("f", "9"))
    with (tmp_path / "r").open("ab") as file:
        file.write(b"f12 torn")
    carried = record.read()
    assert carried is not None
    assert carried.heading == record.heading() == heading
    assert [heading.at(*pair) for pair in ((5, 6), (6, 5), (5, 7), (7, 6), (5, 5))] == ["a" * 40, "b" * 40, None, None, None]
    assert carried.marks == {b"": {b"a\nb": Mark("f", "1"), b"new": Mark("f", "9")}, b"d": {b"\xff": Mark("l", "ab")}}


def test_a_record_of_another_start_of_the_machine_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(tmp_path / "r")
    record.write(Heading(5, 6, "a" * 40, "b" * 40), {})
    (tmp_path / "boot").write_text("another")
    monkeypatch.setattr("runner.targets.folder.record._BOOT", tmp_path / "boot")
    assert (record.read(), record.heading()) == (None, None)


@pytest.mark.parametrize(
    "head", [b"", b"seatrial-carried-1 5 boot", b"seatrial-carried-2 boot 5 6 a", b"seatrial-carried-2 boot 5 6 a b c", b"x"]
)
def test_a_record_of_another_version_or_none_at_all_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    (tmp_path / "boot").write_text("boot")
    monkeypatch.setattr("runner.targets.folder.record._BOOT", tmp_path / "boot")
    (tmp_path / "r").write_bytes(head + b"\0")
    assert (Record(tmp_path / "r").read(), Record(tmp_path / "r").heading()) == (None, None)


def test_anything_can_be_removed_and_nothing_else_is(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    (doomed / "link").symlink_to(outside)
    (doomed / "dangling").symlink_to("nowhere")
    os.mkfifo(doomed / "fifo")
    (doomed / "odd\n\udcff").mkdir(mode=0o000)
    here = os.open(doomed, os.O_RDONLY)
    for _ in range(2000):  # deeper than a path can be long
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.symlink(outside, "link", dir_fd=here)
    os.close(here)
    erase(doomed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside"]
    assert (outside / "kept").read_text() == "x"
    (tmp_path / "link").symlink_to(outside)
    erase(tmp_path / "link")
    erase(tmp_path / "missing")
    assert (outside / "kept").exists()


def test_two_who_remove_the_same_folder_at_once_remove_all_of_it(tmp_path: Path) -> None:
    for number in range(300):
        below = tmp_path / "doomed" / str(number % 40) / str(number) / "deep"
        below.mkdir(parents=True)
        (below / "file").write_text("x")
    children = [Child(lambda: erase(tmp_path / "doomed")) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0], [child.said() for child in children]
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_folders_that_forbid_it_are_removed_by_their_owner(tmp_path: Path) -> None:
    top = tmp_path / "doomed"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "c").write_text("x")
    for path in (tmp_path, top, top / "a", top / "a" / "b"):
        os.chown(path, 65534, 65534)
    for path in (top / "a" / "b", top / "a", top):
        path.chmod(0o500)
    for folder in tmp_path.parents:
        folder.chmod(folder.stat().st_mode | 0o011) if str(folder).startswith("/tmp/") else None

    def act() -> None:
        os.seteuid(65534)
        erase(top)

    child = Child(act)
    assert child.wait() == 0, child.said()
    assert not top.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_what_is_mounted_inside_is_never_emptied(tmp_path: Path) -> None:
    source, at = tmp_path / "source", tmp_path / "doomed" / "a b"
    at.mkdir(parents=True)
    source.mkdir()
    (source / "kept").write_text("x")
    if subprocess.run(["mount", "--bind", source, at], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        assert mounted_inside(tmp_path / "doomed")
        assert mounted_inside(at)
        assert not mounted_inside(source)
        with pytest.raises(OSError, match="mounted"):
            erase(tmp_path / "doomed")
        assert (source / "kept").exists()
    finally:
        subprocess.run(["umount", at], check=True)
    assert file_system(tmp_path)


def test_a_newer_file_is_put_back_when_it_came_out(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "ours").write_text("stale")
    (tmp_path / "state").write_text("newer than expected")
    ours = carrying._mark(folder, b"ours")
    assert carrying._swapped(folder, b"ours", b"state")
    assert (tmp_path / "state").read_text() == "stale"
    carrying._put_back_newer(Mark("f", "0"), ours, (folder, b"ours", b"state"))
    assert (tmp_path / "state").read_text() == "newer than expected"
    assert (tmp_path / "ours").read_text() == "stale"
    os.close(folder)


def test_a_second_look_finds_what_the_first_one_would(tmp_path: Path) -> None:
    for path in ("a/b/c", "a/d", "e"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    with Descent(tmp_path) as descent:
        foreign = Foreign(descent, Sides(NOTHING, NOTHING))
        foreign.scan()
        remembered = foreign.marks()
        assert foreign.again(remembered) == []
        (tmp_path / "a" / "b").rename(tmp_path / "a" / "moved")
        (tmp_path / "new" / "deep").mkdir(parents=True)
        (tmp_path / "new" / "deep" / "f").write_text("f")
        (tmp_path / "e").unlink()
        (tmp_path / "e").mkdir()
        (tmp_path / ".seatrial-ours").write_text("never carried")
        quick = foreign.again(remembered)
        whole = Foreign(descent, Sides(NOTHING, NOTHING))
        whole.scan()
        assert quick == whole.differences(remembered)
        assert {one.path for one in quick} == {b"a/b", b"a/b/c", b"a/moved", b"a/moved/c", b"new", b"new/deep", b"new/deep/f", b"e"}
        assert mark_at(descent, b"a/b/c") is None


def test_nobody_goes_down_through_a_link_or_too_deep(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with Descent(tmp_path) as descent:
        for path in (b"link", b"missing", b"link/x"):
            with pytest.raises(Gone):
                descent.folder(path)
        with pytest.raises(InfrastructureError, match="deeper"):
            descent.folder(b"/".join([b"d"] * 200))


def test_a_file_that_is_read_once_is_known_until_it_changes(tmp_path: Path) -> None:
    path, known = tmp_path / "f", {}
    path.write_bytes(b"one\n")
    os.utime(path, (1, 1))
    first = read(tmp_path, [b"f"], 40, known)[b"f"]
    assert first.blob == "5626abf0f72e58d7a153368ba57db4c673c0e171"
    assert read(tmp_path, [b"f"], 64)[b"f"].blob != first.blob
    path.write_bytes(b"two\n")
    os.utime(path, (1, 1))  # size and time as before: the time of its status is not
    assert read(tmp_path, [b"f"], 40, known)[b"f"].blob == "f719efd430d52bcfc8566a43b2eb655688d38871"
