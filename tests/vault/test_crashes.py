"""A writer that dies, or whose disk fails, wherever the order of things matters."""

import errno
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from runner.errors import InfrastructureError
from runner.ports import Item

Items = Callable[[Mapping[bytes, Any]], tuple[Item, ...]]
TREE = {b"": None, b"a": b"alpha", b"b": b"beta", b"d": None, b"d/c": b"gamma", b"l": "d/c"}
BEFORE = {b"a": b"alpha", b"old": b"omega"}
MARKERS = (
    "vault.object.written",
    "vault.object.synced",
    "vault.object.renamed",
    "vault.folders.synced",
    "vault.manifest.written",
    "vault.manifest.renamed",
    "vault.verified",
    "vault.recorded",
)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("marker", MARKERS)
def test_a_kill_costs_only_the_backup_that_was_being_made(
    world: Any, items: Items, dying: Callable[..., int], marker: str, nth: int
) -> None:
    before = world.vault.keep("dir:/a", "r0", items(BEFORE))
    killed = dying(marker, lambda: world.vault.keep("dir:/a", "r1", items(TREE)), nth)
    assert killed == (9 if nth == 1 or marker in ("vault.object.written", "vault.object.renamed") else 0)
    for record in world.backups.all()[0]:
        assert world.vault.verify(record.id) == ""
    kept = world.vault.keep("dir:/a", "r2", items(TREE))
    assert world.vault.verify(kept.id) == ""
    assert world.vault.verify(before.id) == ""
    world.vault.sweep()
    assert world.leftovers() == []
    assert {record.id for record in world.backups.all()[0]} == {before.id, kept.id}


@pytest.mark.parametrize("marker", MARKERS)
def test_after_a_kill_a_sweep_and_a_prune_leave_exactly_what_is_recorded(
    world: Any, items: Items, dying: Callable[..., int], marker: str
) -> None:
    before = world.vault.keep("dir:/a", "r0", items(BEFORE))
    dying(marker, lambda: world.vault.keep("dir:/a", "r1", items(TREE)))
    for _ in range(2):  # what recovers may be asked twice
        world.vault.sweep()
        world.vault.prune()
    recorded = {record.id for record in world.backups.all()[0]}
    assert recorded == ({before.id} if marker != "vault.recorded" else recorded)
    assert before.id in recorded
    assert {path.name for path in world.manifest("").iterdir()} == recorded
    named = {entry.sha256 for name in recorded for entry in world.vault.entries(name)} - {""}
    assert {path.parent.name + path.name for path in world.objects()} == named
    assert world.leftovers() == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("marker", MARKERS)
def test_an_error_of_the_disk_is_told_and_leaves_no_row_without_a_good_backup(
    world: Any, items: Items, failing: Callable[[str, int], None], marker: str, number: int
) -> None:
    before = world.vault.keep("dir:/a", "r0", items(BEFORE))
    failing(marker, number)
    with pytest.raises(InfrastructureError, match=r"^the backup cannot be made: ") as told:
        world.vault.keep("dir:/a", "r1", items(TREE))
    assert told.value.hint
    failing("nowhere", 0)
    for record in world.backups.all()[0]:
        assert world.vault.verify(record.id) == ""
    assert before.id in {record.id for record in world.backups.all()[0]}
    world.vault.sweep()
    assert world.leftovers() == []
    kept = world.vault.keep("dir:/a", "r2", items(TREE))
    assert world.vault.verify(kept.id) == ""


def test_every_marker_of_a_backup_is_reached_in_this_order(world: Any, items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr("runner.crashpoints.hook", reached.append)
    world.vault.keep("dir:/a", "r1", items(TREE))
    assert tuple(dict.fromkeys(reached)) == MARKERS
