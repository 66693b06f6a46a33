"""What leaves the vault, and what never does."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InfrastructureError
from runner.ports import Item
from runner.store.backups import SqlBackups
from runner.vault import lock

Items = Callable[[Mapping[bytes, Any]], tuple[Item, ...]]


@pytest.fixture
def make(world: Any, items: Items) -> Callable[..., str]:
    """A backup that nobody uses any more, with one content of its own and one that all have."""

    def make(content: bytes, target: str = "dir:/a") -> str:
        kept = world.vault.keep(target, "r", items({b"own": content, b"common": b"common"}))
        world.vault.release("r")
        return str(kept.id)

    return make


def contents(world: Any) -> set[bytes]:
    return {path.read_bytes() for path in world.objects()}


def test_it_takes_two_prunes_and_the_grace_between_them(world: Any, make: Callable[..., str]) -> None:
    old, new = make(b"old"), make(b"new")
    vault = world.with_(keep_within=0.0, keep_last=1, grace=3600.0)
    first = vault.prune()
    assert ([one.id for one in first.marked], first.deleted, first.stay, first.freed) == ([old], (), 1, 0)
    assert vault.prune().deleted == ()
    world.age(3599.0)
    assert vault.prune().deleted == ()
    world.age(1.5)
    second = vault.prune()
    assert ([one.id for one in second.deleted], second.freed) == ([old], len(b"old"))
    assert contents(world) == {b"new", b"common"}
    assert not world.manifest(old).exists()
    assert world.vault.verify(new) == ""
    assert world.leftovers() == []


def test_without_any_grace_it_still_takes_two(world: Any, make: Callable[..., str]) -> None:
    make(b"old"), make(b"new")
    assert world.impatient.prune().deleted == ()
    assert len(world.impatient.prune().deleted) == 1


def test_a_mark_goes_when_the_backup_is_made_again_or_pinned_or_used(world: Any, make: Callable[..., str], items: Items) -> None:
    again, pinned, _, new = make(b"again"), make(b"pinned"), make(b"used"), make(b"new")
    assert len(world.impatient.prune().marked) == 3
    make(b"again")
    world.backups.pin(pinned, "because")
    world.vault.keep("dir:/a", "busy", items({b"own": b"used", b"common": b"common"}))
    done = world.impatient.prune()
    assert done.deleted == ()
    assert {record.id for record in done.marked} == {again, new}


def test_the_newest_good_one_stays_for_ever_and_a_damaged_newer_one_does_not_replace_it(world: Any, make: Callable[..., str]) -> None:
    good, bad = make(b"good"), make(b"bad")
    for path in world.objects():
        if path.read_bytes() == b"bad":
            path.unlink()
    assert world.vault.verify(bad)
    world.age(400 * 86400.0)
    for _ in range(3):
        world.impatient.prune()
    assert good in {record.id for record in world.backups.all()[0]}
    assert world.vault.verify(good) == ""


def test_a_content_that_two_targets_have_goes_with_the_last_of_them(world: Any, make: Callable[..., str]) -> None:
    both = make(b"both", "dir:/a")
    assert make(b"both", "dir:/b") == both
    make(b"new", "dir:/a")
    for _ in range(2):
        done = world.impatient.prune()
    assert [(record.id, record.target) for record in done.deleted] == [(both, "dir:/a")]
    assert (world.manifest(both).exists(), done.freed) == (True, 0)
    make(b"new", "dir:/b")
    for _ in range(2):
        done = world.impatient.prune()
    assert [record.target for record in done.deleted] == ["dir:/b"]
    assert (world.manifest(both).exists(), done.freed) == (False, len(b"both"))


def test_a_dry_run_says_the_same_and_changes_nothing(world: Any, make: Callable[..., str]) -> None:
    make(b"old"), make(b"new")
    for _ in range(2):
        before = (world.backups.all()[0], contents(world))
        would = world.impatient.prune(dry=True)
        assert (world.backups.all()[0], contents(world)) == before
        done = world.impatient.prune()
        assert [one.id for one in would.marked] == [one.id for one in done.marked]
        assert [one.id for one in would.deleted] == [one.id for one in done.deleted]
        assert (would.stay, would.freed) == (done.stay, done.freed)


def test_a_backup_that_the_record_never_heard_of_stays_with_its_contents(world: Any, make: Callable[..., str]) -> None:
    """Somebody let the program use another database: that is no reason to delete everything."""
    kept = make(b"old")
    for file in world.state.glob("state.db*"):
        file.unlink()
    world.backups = SqlBackups(world.state)
    world.vault = world.with_()
    make(b"new")
    for _ in range(3):
        world.impatient.prune()
    assert world.vault.verify(kept) == ""


def test_nothing_is_deleted_while_nobody_knows_what_a_damaged_manifest_named(world: Any, make: Callable[..., str]) -> None:
    old, new = make(b"old"), make(b"new")
    world.manifest(new).chmod(0o600)
    whole = world.manifest(new).read_bytes()
    world.manifest(new).write_bytes(b"damaged")
    world.impatient.prune()
    done = world.impatient.prune()
    assert ([record.id for record in done.deleted], done.freed) == ([old], 0)
    assert f"the manifest of backup {new} is damaged" in done.problem
    assert contents(world) == {b"old", b"new", b"common"}
    assert world.impatient.prune(dry=True).problem
    world.manifest(new).write_bytes(whole)
    assert world.impatient.prune().freed == len(b"old")


def test_an_object_that_came_after_the_lock_was_had_stays(world: Any, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system whose locks do not work: whoever writes there may be at work right now."""
    make(b"new")
    stray = world.state / "vault/objects/ab" / ("c" * 62)
    stray.parent.mkdir(exist_ok=True)

    plain = Path.rmdir

    def late(path: Path) -> None:
        stray.write_bytes(b"stray")
        plain(path)

    monkeypatch.setattr(Path, "rmdir", late)
    world.impatient.prune()
    assert stray.exists()
    monkeypatch.undo()
    assert world.impatient.prune().freed == len(b"stray")


def test_where_there_are_no_locks_nothing_is_deleted(world: Any, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_lock: int, _how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", none)
    kept = make(b"new")
    with pytest.raises(InfrastructureError, match="has no locks"):
        world.impatient.prune()
    assert world.vault.verify(kept) == ""


def test_a_backup_that_is_pinned_at_the_last_moment_comes_back(
    world: Any, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = make(b"old"), make(b"new")
    world.impatient.prune()

    def pin(name: str) -> None:
        if name == "vault.prune.deleting":
            world.backups.pin(old, "wait")

    monkeypatch.setattr("runner.crashpoints.hook", pin)
    assert world.impatient.prune().deleted == ()
    assert world.vault.verify(old) == ""
    assert world.leftovers() == []


def test_what_became_the_newest_good_one_at_the_last_moment_stays(
    world: Any, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make(b"old"), make(b"new")
    world.impatient.prune()

    def find_damage(name: str) -> None:
        if name == "vault.prune.deleting":
            world.backups.checked(new, "object x is gone")

    monkeypatch.setattr("runner.crashpoints.hook", find_damage)
    assert world.impatient.prune().deleted == ()
    assert world.vault.verify(old) == ""


@pytest.mark.parametrize("marker", ["vault.prune.marked", "vault.prune.deleting", "vault.prune.deleted"])
def test_a_kill_while_it_deletes_leaves_each_backup_whole_or_gone(
    world: Any, make: Callable[..., str], dying: Callable[..., int], marker: str
) -> None:
    old, new = make(b"old"), make(b"new")
    world.impatient.prune()
    assert dying(marker, world.impatient.prune) == 9
    for record in world.backups.all()[0]:
        assert world.vault.verify(record.id) == ""
    world.vault.sweep()
    assert world.leftovers() == []
    assert {record.id for record in world.backups.all()[0]} == {path.name for path in world.manifest("").iterdir()}
    world.impatient.prune()
    assert {record.id for record in world.backups.all()[0]} == {new}
    assert contents(world) == {b"new", b"common"}
    assert not world.manifest(old).exists()


def test_a_deletion_that_died_before_it_was_recorded_is_undone(
    world: Any, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = make(b"old"), make(b"new")
    world.impatient.prune()

    def dies(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(world.backups, "forget", dies)
    with pytest.raises(RuntimeError):
        world.impatient.prune()
    monkeypatch.undo()
    assert world.vault.verify(old) == ""
    world.vault.sweep()
    assert world.manifest(old).exists()
    assert world.leftovers() == []


def test_a_backup_that_is_made_again_while_its_deletion_is_half_done_is_whole(
    world: Any, make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = make(b"old"), make(b"new")
    world.impatient.prune()

    def dies(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(world.backups, "forget", dies)
    with pytest.raises(RuntimeError):
        world.impatient.prune()
    monkeypatch.undo()
    with lock.shared(world.state / "vault/lock"):  # so that nobody can sweep first
        assert make(b"old") == old
    world.vault.sweep()
    assert world.vault.verify(old) == ""
    assert world.leftovers() == []


def test_pruning_where_nothing_was_ever_kept_makes_nothing(world: Any) -> None:
    assert world.vault.prune()[:4] == ((), (), 0, 0)
    assert list(world.state.iterdir()) == []


def test_what_was_deleted_is_in_the_audit_log(world: Any, make: Callable[..., str]) -> None:
    old, _ = make(b"old"), make(b"new")
    world.impatient.prune(), world.impatient.prune()
    with sqlite3.connect(world.state / "state.db") as raw:
        assert raw.execute("SELECT subject FROM audit WHERE kind = 'backup.pruned'").fetchall() == [(old,)]
