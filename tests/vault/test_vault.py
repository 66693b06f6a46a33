"""Backups made on real files, and everything that may be wrong with them."""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InfrastructureError, TargetMoved, UsageError
from runner.ports import Item
from runner.vault import syncing

Items = Callable[[Mapping[bytes, Any]], tuple[Item, ...]]
TREE = {
    b"": None,
    b"a": b"alpha",
    b"bin": None,
    b"bin/run": b"#!/bin/sh\n",
    b"empty": None,
    b"link": "bin/run",
    b"twin": b"alpha",
    b"z": b"",
}


def test_the_id_is_the_digest_of_the_manifest_and_says_nothing_of_who_asked(world: Any, items: Items) -> None:
    one = world.vault.keep("dir:/a", "r1", items(TREE))
    other = world.vault.keep("git:/b", "r2", reversed(items(TREE)))
    assert one.id == other.id == sha256(world.manifest(one.id).read_bytes()).hexdigest()
    assert (one.files, one.size) == (4, len(b"alpha" * 2 + b"#!/bin/sh\n" + b"bin/run"))
    assert sorted(record.target for record in world.backups.all()[0]) == ["dir:/a", "git:/b"]


def test_a_content_is_stored_once_by_its_digest_for_its_owner_to_read(world: Any, items: Items) -> None:
    world.vault.keep("dir:/a", "r1", items(TREE))
    found = {path.parent.name + path.name: path for path in world.objects()}
    assert {name: path.read_bytes() for name, path in found.items()} == {
        sha256(content).hexdigest(): content for content in (b"alpha", b"#!/bin/sh\n", b"bin/run", b"")
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in found.values()} == {0o400}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (world.state / "vault").rglob("*") if path.is_dir()} == {0o700}


def test_a_second_backup_of_the_same_adds_nothing_and_one_change_adds_itself(world: Any, items: Items) -> None:
    first = world.vault.keep("dir:/a", "r1", items(TREE))
    assert first.added == len(b"alpha#!/bin/sh\nbin/run") + world.manifest(first.id).stat().st_size
    assert world.vault.keep("dir:/a", "r2", items(TREE)).added == 0
    changed = world.vault.keep("dir:/a", "r3", items({**TREE, b"a": b"beta"}))
    assert changed.added == len(b"beta") + world.manifest(changed.id).stat().st_size


def test_the_record_says_who_needs_it_until_the_run_lets_go(world: Any, items: Items) -> None:
    world.vault.keep("dir:/a", "r1", items(TREE))
    world.vault.keep("dir:/a", "r2", items(TREE))
    world.vault.release("r1")
    assert [record.used for record in world.backups.all()[0]] == [True]
    world.vault.release("r2")
    assert [record.used for record in world.backups.all()[0]] == [False]


def test_nothing_is_left_beside_it(world: Any, items: Items) -> None:
    world.vault.keep("dir:/a", "r1", items(TREE))
    assert world.leftovers() == []


def test_paths_that_are_no_text_are_kept_as_they_are(world: Any, items: Items) -> None:
    tree = {b"\xff\xfe": b"1", b"new\nline": b"2", b"esc\x1b[2J": b"3", b"d\xe9": None, b"d\xe9/\xc3": "\xe9\udcff"}
    kept = world.vault.keep("dir:/a", "r1", items(tree))
    assert {item.path: item.read() for item in world.vault.items(kept.id)} == {
        b"\xff\xfe": b"1",
        b"new\nline": b"2",
        b"esc\x1b[2J": b"3",
        b"d\xe9": b"",
        b"d\xe9/\xc3": b"\xc3\xa9\xff",
    }


def test_items_give_back_every_field(world: Any, item: Callable[..., Item]) -> None:
    given = item(b"f", b"x", mode=0o4711, owner=(12, 34), attributes=(("user.a", b"\xff"),))
    kept = world.vault.keep("dir:/a", "r1", (given,))
    (found,) = world.vault.items(kept.id)
    assert (found.path, found.kind, found.mode, found.owner, found.attributes, found.read()) == (
        b"f",
        "file",
        0o4711,
        (12, 34),
        (("user.a", b"\xff"),),
        b"x",
    )


def test_any_byte_that_changes_is_found_with_the_paths_that_it_costs(world: Any, items: Items) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    assert world.vault.verify(kept.id) == ""
    manifest = world.manifest(kept.id)
    for path in (*world.objects(), manifest):
        whole = path.read_bytes()
        path.chmod(0o600)
        for place in range(0, len(whole), max(1, len(whole) // 40)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            said = world.vault.verify(kept.id)
            assert "is not what was written" in said
            assert path is manifest or path.parent.name + path.name in said
        for other in (whole + b"\0", whole[:-1] if whole else b"x"):
            path.write_bytes(other)
            assert world.vault.verify(kept.id)
        path.unlink()
        assert "is gone" in world.vault.verify(kept.id)
        path.mkdir()
        assert world.vault.verify(kept.id) if path is not manifest else True
        path.rmdir()
        path.write_bytes(whole)
    assert world.vault.verify(kept.id) == ""


def test_a_damage_is_told_with_each_path(world: Any, items: Items) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    name = sha256(b"alpha").hexdigest()
    (world.state / "vault/objects" / name[:2] / name[2:]).unlink()
    (damage,) = world.vault.examine(kept.id)
    assert damage == (f"object {name} is gone", (b"a", b"twin"))
    assert world.vault.verify(kept.id) == f"object {name} is gone ('a', 'twin')"


def test_what_is_no_plain_file_is_never_opened_for_an_answer(world: Any, items: Items) -> None:
    kept = world.vault.keep("dir:/a", "r1", items({b"a": b"alpha"}))
    (path,) = world.objects()
    path.unlink()
    os.mkfifo(path)
    assert "no plain file" in world.vault.verify(kept.id)
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert world.vault.verify(kept.id)


def test_a_damaged_backup_counts_no_more_until_it_is_whole_again(world: Any, items: Items) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    path = world.objects()[0]
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole + b"!")
    world.vault.verify(kept.id)
    assert [record.verified for record in world.backups.all()[0]] == [None]
    path.write_bytes(whole)
    world.vault.verify(kept.id)
    assert [record.verified is None for record in world.backups.all()[0]] == [False]


def test_a_damaged_object_is_replaced_by_the_next_backup_that_has_its_content(world: Any, items: Items) -> None:
    kept = world.vault.keep("dir:/a", "r1", items(TREE))
    for path in world.objects():
        path.chmod(0o600)
        path.write_bytes(b"damaged")
    manifest = world.manifest(kept.id)
    manifest.chmod(0o600)
    manifest.write_bytes(b"damaged")
    again = world.vault.keep("dir:/a", "r2", items(TREE))
    assert again.id == kept.id
    assert world.vault.verify(kept.id) == ""


def test_a_backup_that_is_not_here_is_said_to_be_gone(world: Any) -> None:
    assert world.vault.verify("a" * 64) == f"manifest {'a' * 64} is gone"
    assert world.vault.verify("../../etc/passwd") == "manifest ../../etc/passwd is gone"
    assert not world.vault.holds("../../etc/passwd")
    with pytest.raises(UsageError, match="no backup"):
        world.vault.entries("a" * 64)
    assert not (world.state / "vault").exists()


def test_what_does_not_fit_the_quota_is_denied_and_costs_nothing(world: Any, items: Items) -> None:
    first = world.vault.keep("dir:/a", "r1", items({b"a": b"x" * 100_000}))
    small = world.with_(quota=300_000)
    with pytest.raises(InfrastructureError, match="quota of 293KiB") as told:
        small.keep("dir:/a", "r2", items({b"a": b"y" * 100_000, b"b": b"z" * 200_000}))
    assert "backup prune" in told.value.hint
    assert [record.id for record in world.backups.all()[0]] == [first.id]
    assert len(world.objects()) == 1
    assert world.leftovers() == []
    small.keep("dir:/a", "r3", items({b"a": b"y" * 100_000}))
    assert small.keep("dir:/a", "r4", items({b"a": b"x" * 100_000})).added == 0


def test_many_small_files_count_as_the_room_that_they_take(world: Any, items: Items) -> None:
    with pytest.raises(InfrastructureError, match="quota"):
        world.with_(quota=400_000).keep("dir:/a", "r1", items({b"%d" % number: b"%d" % number for number in range(100)}))


def test_what_the_target_says_is_not_taken_for_the_vaults_fault(world: Any, items: Items) -> None:
    def moving() -> Iterator[Item]:
        yield from items({b"a": b"alpha"})
        raise TargetMoved("it moved")

    def unreadable() -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    def gone() -> Iterator[Item]:
        yield from items({b"a": b"alpha"})
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    with pytest.raises(TargetMoved):
        world.vault.keep("dir:/a", "r1", moving())
    with pytest.raises(InfrastructureError, match="'b' of the target cannot be read: Permission denied"):
        world.vault.keep("dir:/a", "r1", (*items({b"a": b"alpha"}), Item(b"b", "file", 0o644, unreadable)))
    with pytest.raises(InfrastructureError, match="the target cannot be read: No such file"):
        world.vault.keep("dir:/a", "r1", gone())
    with pytest.raises(InfrastructureError, match="the target cannot be kept"):
        world.vault.keep("dir:/a", "r1", items({b"../a": b"alpha"}))
    assert world.backups.all()[0] == ()
    assert world.leftovers() == []


def test_what_reads_back_otherwise_is_no_backup(world: Any, items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that loses a write after it said that it was done."""
    sound = syncing.Batch.sync

    def lossy(batch: syncing.Batch, files: tuple[Path, ...]) -> None:
        sound(batch, files)
        files[1].chmod(0o600)
        files[1].write_bytes(b"\0" * files[1].stat().st_size)

    monkeypatch.setattr(syncing.Batch, "sync", lossy)
    with pytest.raises(InfrastructureError, match="read back from the disk"):
        world.vault.keep("dir:/a", "r1", items(TREE))
    assert world.backups.all()[0] == ()
    monkeypatch.undo()
    assert world.vault.verify(world.vault.keep("dir:/a", "r1", items(TREE)).id) == ""


@pytest.mark.parametrize("at_once", [True, False], ids=["the whole file system", "one by one"])
def test_many_files_are_synced_before_they_are_named(world: Any, items: Items, monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    done: list[str] = []
    plain_sync, plain_all = syncing._sync_file, syncing._syncfs

    def sync_one(file: Path) -> None:
        done.append("one")
        assert not world.objects()
        plain_sync(file)

    def sync_all(opened: int) -> None:
        done.append("all")
        assert not world.objects()
        plain_all(opened)

    monkeypatch.setattr(syncing, "_sync_file", sync_one)
    monkeypatch.setattr(syncing, "_syncfs", sync_all)
    if not at_once:
        monkeypatch.setattr(syncing, "_LOCAL", frozenset())
    world.vault.keep("dir:/a", "r1", items({b"%d" % number: b"%d" % number for number in range(100)}))
    local = at_once and syncing._at_once(os.open(world.state, os.O_RDONLY))
    assert done == (["all"] if local else ["one"] * 100)


def test_a_failed_sync_fails_the_backup_and_is_not_tried_again(world: Any, items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def broken(opened: int) -> None:
        calls.append(opened)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(InfrastructureError, match="the disk reports an error") as told:
        world.vault.keep("dir:/a", "r1", items({b"a": b"alpha"}))
    assert "lost" in told.value.hint
    assert len(calls) == 1
    monkeypatch.undo()
    assert world.objects() == []
    assert world.leftovers() == []


def test_a_folder_that_others_may_write_to_is_no_vault(world: Any, items: Items) -> None:
    (world.state / "vault").mkdir(mode=0o700)
    (world.state / "vault").chmod(0o777)
    with pytest.raises(InfrastructureError, match="not a folder of yours alone"):
        world.vault.keep("dir:/a", "r1", items(TREE))


def test_a_big_content_is_kept_whole(world: Any) -> None:
    content = os.urandom(3 * 2**20 + 1)
    kept = world.vault.keep("dir:/a", "r1", [Item(b"big", "file", 0o600, partial(bytes, content))])
    (found,) = world.vault.items(kept.id)
    assert found.read() == content


def test_a_content_that_was_damaged_is_never_handed_out(world: Any, items: Items) -> None:
    kept = world.vault.keep("dir:/a", "r1", items({b"a": b"alpha"}))
    (path,) = world.objects()
    path.chmod(0o600)
    path.write_bytes(b"omega")
    (found,) = world.vault.items(kept.id)
    with pytest.raises(OSError, match="is not what was written"):
        found.read()


def test_objects_that_several_backups_share_are_read_once(world: Any, items: Items) -> None:
    ids = [world.vault.keep("dir:/a", f"r{number}", items({**TREE, b"n": b"%d" % number})).id for number in range(3)]
    read: list[int] = []
    seen: dict[str, str] = {}
    for backup in ids:
        assert world.vault.examine(backup, seen=seen, progress=lambda done, _: read.append(done)) == ()
    assert len(read) == len(world.objects())
