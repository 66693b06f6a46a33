"""Backups as folders again."""

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InfrastructureError, StoreUnavailable, UsageError
from runner.ports import Item
from runner.vault import syncing
from runner.vault.manifest import Entry, digest, dump

Items = Callable[[Mapping[bytes, Any]], tuple[Item, ...]]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
TREE = {
    b"a": b"alpha",
    b"bin": None,
    b"bin/run": b"#!/bin/sh\n",
    b"empty": None,
    b"link": "../outside",
    b"no-parent/x": b"x",
    b"\xff\n": b"odd",
}


def the_items_of(folder: Path) -> Iterator[Item]:
    """What a folder holds, as a target tells it."""
    for path in (folder, *sorted(folder.rglob("*"))):
        found = path.lstat()
        kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "file"
        content = os.fsencode(path.readlink()) if kind == "link" else path.read_bytes() if kind == "file" else b""
        names = sorted(os.listxattr(path, follow_symlinks=False)) if kind != "link" else []
        attributes = tuple((name, os.getxattr(path, name)) for name in names)
        name = b"" if path == folder else os.fsencode(path.relative_to(folder))
        mode = 0 if kind == "link" else stat.S_IMODE(found.st_mode)
        yield Item(name, kind, mode, partial(bytes, content), (found.st_uid, found.st_gid), attributes)


def told(items: Iterator[Item] | tuple[Item, ...]) -> list[tuple[Any, ...]]:
    return sorted((item.path, item.kind, item.mode, item.read(), item.owner, item.attributes) for item in items)


def has_attributes(folder: Path) -> bool:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        try:
            os.setxattr(file.name, "user.x", b"1")
        except OSError:
            return False
    return True


@pytest.fixture(params=["one by one", "at once"])
def synced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to make files durable, whatever their number."""
    if request.param == "at once":
        monkeypatch.setattr(syncing, "_FEW", 0)
    else:
        monkeypatch.setattr(syncing, "_LOCAL", frozenset())


def test_it_is_again_what_it_was_to_the_last_bit(world: Any, tmp_path: Path, synced: None) -> None:
    live = tmp_path / "live"
    (live / "empty").mkdir(parents=True, mode=0o750)
    (live / "locked").mkdir()
    (live / "locked/secret").write_bytes(b"s")
    (live / "run").write_bytes(b"#!/bin/sh\n")
    (live / "odd\udcff\n").write_bytes(os.urandom(5000))
    (live / "dangling").symlink_to("no/where")
    (live / "out").symlink_to("/etc")
    for name, mode in (("run", 0o755), ("odd\udcff\n", 0o4640), ("locked/secret", 0o400), ("locked", 0o555), (".", 0o2711)):
        (live / name).chmod(mode)
    if has_attributes(tmp_path):
        os.setxattr(live / "run", "user.note", b"\0\xff")
        os.setxattr(live / "empty", "user.folder", b"")
    if os.geteuid() == 0:
        os.chown(live / "run", 12, 34)
        os.chown(live / "empty", 56, 78)
        os.chown(live / "dangling", 9, 9, follow_symlinks=False)
        (live / "run").chmod(0o4755)
    before = told(the_items_of(live))
    kept = world.vault.keep("dir:/live", "r1", the_items_of(live))
    restored = world.vault.restore(kept.id, tmp_path / "again")
    assert told(the_items_of(tmp_path / "again")) == before
    assert told(world.vault.items(kept.id)) == before
    assert (restored.files, restored.lost, restored.unrecorded) == (3, (), "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "live", "state"]
    assert world.leftovers() == []


def test_folders_that_the_backup_does_not_name_are_made(world: Any, items: Items, tmp_path: Path, synced: None) -> None:
    kept = world.vault.keep("git:/a", "r1", items(TREE))
    world.vault.restore(kept.id, tmp_path / "out")
    assert (tmp_path / "out/no-parent/x").read_bytes() == b"x"
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("out", "out/no-parent")] == [0o755, 0o755]


def test_an_empty_folder_takes_it_and_anything_else_is_left_alone(world: Any, items: Items, tmp_path: Path) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    (tmp_path / "empty").mkdir()
    world.vault.restore(kept.id, tmp_path / "empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    (tmp_path / "file").touch()
    (tmp_path / "none").mkdir()
    (tmp_path / "link").symlink_to("none")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("empty", "full", "file", "link", "dangling", "no/where", "."):
        with pytest.raises(UsageError):
            world.vault.restore(kept.id, tmp_path / name)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["x"]
    assert not list((tmp_path / "none").iterdir())


def test_a_folder_that_fills_meanwhile_is_not_overwritten(world: Any, items: Items, tmp_path: Path, failing: Any, monkeypatch: Any) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))

    def fill(name: str) -> None:
        if name == "vault.restore.staged":
            (tmp_path / "out").mkdir()
            (tmp_path / "out/mine").touch()

    monkeypatch.setattr("runner.crashpoints.hook", fill)
    with pytest.raises(InfrastructureError, match="cannot be restored"):
        world.vault.restore(kept.id, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "state"]


def test_a_dry_run_reads_everything_and_changes_nothing(world: Any, items: Items, tmp_path: Path) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    read: list[int] = []
    assert world.vault.restore(kept.id, tmp_path / "out", dry=True, progress=lambda done, _: read.append(done)).files == 4
    assert len(read) == len(world.objects())
    assert not (tmp_path / "out").exists()
    world.objects()[0].unlink()
    with pytest.raises(InfrastructureError, match="is damaged"):
        world.vault.restore(kept.id, tmp_path / "out", dry=True)


def test_a_damaged_backup_is_not_restored_at_all(world: Any, items: Items, tmp_path: Path) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    for path in world.objects():
        whole = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(whole + b"!")
        with pytest.raises(InfrastructureError, match="is damaged"):
            world.vault.restore(kept.id, tmp_path / "out")
        path.write_bytes(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


@pytest.mark.parametrize(
    "lines",
    [
        [(b"../escaped", "file")],
        [(b"/tmp/escaped", "file")],
        [(b"d/../../escaped", "file")],
        [(b"l", "link"), (b"l/escaped", "file")],
        [(b"l", "link"), (b"l/d", "folder")],
        [(b"", "link"), (b"escaped", "file")],
    ],
    ids=str,
)
def test_a_manifest_that_somebody_else_wrote_leads_nowhere(
    world: Any, items: Items, tmp_path: Path, lines: list[tuple[bytes, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole in every digest, so that only its paths speak against it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    content = os.fsencode(elsewhere)
    world.vault.keep("dir:/a", "r1", items({b"a": content}))
    entries = [Entry(path, kind, 0o644, "" if kind == "folder" else digest(content), len(content), None, ()) for path, kind in lines]
    monkeypatch.setattr("runner.vault.manifest._check", lambda _: None)
    forged = dump(entries)
    monkeypatch.undo()
    world.manifest(digest(forged)).write_bytes(forged)
    assert world.vault.verify(digest(forged))
    with pytest.raises(InfrastructureError, match="is damaged"):
        world.vault.restore(digest(forged), tmp_path / "out")
    assert (list(elsewhere.iterdir()), (tmp_path / "out").exists(), (tmp_path / "escaped").exists()) == ([], False, False)


def test_a_link_to_what_is_no_path_is_no_bug_of_ours(world: Any, tmp_path: Path) -> None:
    kept = world.vault.keep("dir:/a", "r1", [Item(b"l", "link", 0, lambda: b"a\0b")])
    with pytest.raises(InfrastructureError, match="no path"):
        world.vault.restore(kept.id, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


def test_attributes_that_this_place_has_none_of_are_told(world: Any, item: Callable[..., Item], tmp_path: Path) -> None:
    kept = world.vault.keep("dir:/a", "r1", [item(b"f", b"x", attributes=(("nonsense.x", b"1"),))])
    restored = world.vault.restore(kept.id, tmp_path / "out")
    assert "the attribute nonsense.x of 'f' cannot be had here" in restored.lost[0]
    assert (tmp_path / "out/f").read_bytes() == b"x"


def test_who_cannot_give_files_to_others_hears_of_it(world: Any, item: Callable[..., Item], tmp_path: Path, monkeypatch: Any) -> None:
    kept = world.vault.keep("dir:/a", "r1", [item(b"f", b"x", owner=(12, 34))])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("runner.store.places.claim", lambda folder: folder)
    monkeypatch.setattr("runner.store.backups.claim", lambda folder: folder)
    restored = world.vault.restore(kept.id, tmp_path / "out")
    assert restored.lost == ("the owners of files are not restored: only root can give files to others",)


def test_it_needs_no_record(world: Any, items: Items, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))

    def broken(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(world.backups, "restored", broken)
    restored = world.vault.restore(kept.id, tmp_path / "out")
    assert restored.unrecorded == "the disk is full"
    assert (tmp_path / "out/a").read_bytes() == b"alpha"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("marker", ["vault.restore.staged"])
def test_an_error_before_the_step_leaves_nothing(
    world: Any, items: Items, tmp_path: Path, failing: Callable[[str, int], None], marker: str, number: int
) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    failing(marker, number)
    with pytest.raises(InfrastructureError, match="out cannot be restored: the disk"):
        world.vault.restore(kept.id, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]
    assert world.leftovers() == []


@pytest.mark.parametrize(("marker", "there"), [("vault.restore.staged", False), ("vault.restore.swapped", True)])
def test_a_kill_leaves_all_of_it_or_nothing_and_the_sweep_finds_the_rest(
    world: Any, items: Items, tmp_path: Path, dying: Callable[..., int], marker: str, there: bool
) -> None:
    kept = world.vault.keep("dir:/a", "r1", items({**TREE, b"shut": None, b"shut/x": b"1"}))
    assert dying(marker, lambda: world.vault.restore(kept.id, tmp_path / "out")) == 9
    assert (tmp_path / "out").exists() == there
    world.vault.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == (["out", "state"] if there else ["state"])
    assert world.leftovers() == []
    if not there:
        world.vault.restore(kept.id, tmp_path / "out")
    assert told(the_items_of(tmp_path / "out"))[1][:4] == (b"a", "file", 0o644, b"alpha")
