import os
import stat

import pytest

from runner.errors import ChangeRefused, UsageError
from runner.sandbox import delta
from runner.sandbox.snapshots import MODIFIED, Snapshots
from runner.sandbox.treewriter import Owner, TreeWriter, UnsafePath, components, owner_for
from runner.sandbox.workcopy import _write_archive

OWNER = owner_for(os.getuid(), os.getgid())


@pytest.fixture
def snapshots(tmp_path):
    notes = []
    found = Snapshots(tmp_path / "cache", OWNER, notes.append)
    found.notes = notes
    return found


def _scratch(tmp_path, name="scratch"):
    (tmp_path / name).mkdir(exist_ok=True)
    return tmp_path / name


def test_a_snapshot_is_the_tree_with_plain_modes_and_one_time(snapshots, trees, tmp_path):
    tree = trees.add({"a": b"1", "d/x": ("100755", b"2"), "l": ("120000", b"/etc/passwd"), "s": ("160000", b"")})
    place = snapshots.ensure(tree, trees, _scratch(tmp_path))
    found = {name: (place / name).lstat() for name in ("a", "d", "d/x", "l", "s")}
    assert {name: stat.filemode(seen.st_mode) for name, seen in found.items()} == {
        "a": "-rw-r--r--",
        "d": "drwxrwxrwt",
        "d/x": "-rwxr-xr-x",
        "l": "lrwxrwxrwx",
        "s": "drwxrwxrwt",
    }
    assert {(seen.st_uid, int(seen.st_mtime)) for seen in found.values()} == {(OWNER.uid, MODIFIED)}
    assert stat.filemode(place.parent.stat().st_mode) == "drwx------"


def test_a_snapshot_is_written_once(snapshots, trees, tmp_path):
    tree = trees.add({"a": b"1"})
    first = snapshots.ensure(tree, trees, _scratch(tmp_path))
    before = first.stat().st_ino
    assert snapshots.ensure(tree, trees, _scratch(tmp_path, "other")) == first
    assert first.stat().st_ino == before
    assert list(_scratch(tmp_path).iterdir()) == []


def test_a_writer_that_comes_second_keeps_what_is_there(snapshots, trees, tmp_path, monkeypatch):
    tree = trees.add({"a": b"1"})
    first = snapshots.ensure(tree, trees, _scratch(tmp_path))
    answers = iter([False, True])
    monkeypatch.setattr(snapshots, "_usable", lambda place: next(answers))
    before = first.stat().st_ino
    assert snapshots.ensure(tree, trees, _scratch(tmp_path)).stat().st_ino == before
    assert list(_scratch(tmp_path).iterdir()) == []


def test_a_large_tree_is_announced(snapshots, trees, tmp_path):
    snapshots.ensure(trees.add({f"d/{n}": b"" for n in range(4999)}), trees, _scratch(tmp_path))
    assert snapshots.notes == []
    snapshots.ensure(trees.add({f"d/{n}": b"" for n in range(5001)}), trees, _scratch(tmp_path))
    assert len(snapshots.notes) == 1


EVIL = ["../x", "a/../../x", ".git/config", "a/.GIT/hooks/x", "/etc/x", "a//x", "./x", "a/.", "x" * 256, "/".join("d" * 200)]


@pytest.mark.parametrize("path", EVIL)
def test_names_that_lead_elsewhere_are_refused_and_write_nothing(snapshots, trees, tmp_path, path):
    with pytest.raises(UsageError):
        snapshots.ensure(trees.add({path: b"evil"}), trees, _scratch(tmp_path))
    assert not (tmp_path / "x").exists()
    with pytest.raises(ChangeRefused):
        delta.write_layer(tmp_path / "delta", [(None, entry) for entry in trees.entries(trees.add({path: b""}))], "", trees, OWNER)
    with pytest.raises(ChangeRefused):
        _write_archive(tmp_path / "tar", trees.add({path: b"evil"}), trees, OWNER)


@pytest.mark.parametrize("mode", ["120000", "100644"])
def test_a_file_below_a_link_or_file_of_the_same_tree_is_refused(snapshots, trees, tmp_path, mode):
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = trees.add({"a": (mode, os.fsencode(outside)), "a/planted": b"evil"})
    with pytest.raises(UsageError):
        snapshots.ensure(tree, trees, _scratch(tmp_path))
    with pytest.raises(ChangeRefused):
        _write_archive(tmp_path / "tar", tree, trees, OWNER)
    assert list(outside.iterdir()) == []


def test_a_directory_swapped_for_a_link_while_writing_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    with TreeWriter(tmp_path / "root", OWNER, MODIFIED) as writer:
        writer.entry("100644", b"d/one", b"1")
        writer.entry("100644", b"e", b"1")
        (tmp_path / "root" / "d" / "one").unlink()
        (tmp_path / "root" / "d").rmdir()
        (tmp_path / "root" / "d").symlink_to(outside)
        with pytest.raises(NotADirectoryError):
            writer.entry("100644", b"d/two", b"2")
    assert list(outside.iterdir()) == []


def test_names_that_git_allows_are_allowed():
    for path in (b"a b", b"\xff\xfe", b".gitignore", b"a\nb", b"-x", b"x/.github/y", b"a" * 255):
        assert components(path) == path.split(b"/")
    with pytest.raises(UnsafePath):
        components(b"a\0b")


def test_root_hands_files_to_nobody_special_and_others_stay_themselves():
    assert owner_for(0, 0) == Owner(10001, 10001)
    assert owner_for(1000, 100) == Owner(1000, 100)
