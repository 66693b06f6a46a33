"""Writers and a prune in processes of their own, all at once."""

import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from runner.ports import Item

Items = Callable[[Mapping[bytes, Any]], tuple[Item, ...]]
TIMES = 12


def a_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001  the parent must hear of it
            traceback.print_exc()
            os._exit(1)
    return child


def test_a_prune_beside_writers_loses_nothing(world: Any, items: Items) -> None:
    """The writers make the same few contents again and again, which the prune deletes as fast as it can."""
    over = world.state / "over"

    def write(who: str) -> None:
        for number in range(TIMES):
            tree = {b"%d" % place: b"%d" % (number % 3 + place) for place in range(20)}
            kept = world.vault.keep(f"dir:/{who}", who, items(tree))
            assert world.vault.verify(kept.id) == ""
            world.vault.release(who)

    def prune() -> None:
        deleted = 0
        while not over.exists():
            deleted += len(world.impatient.prune().deleted)
        for _ in range(2):
            deleted += len(world.impatient.prune().deleted)
        assert deleted

    writers = [a_child(lambda who=who: write(who)) for who in ("a", "b")]  # type: ignore[misc]
    pruning = a_child(prune)
    assert [os.waitpid(child, 0)[1] for child in writers] == [0, 0]
    over.touch()
    assert os.waitpid(pruning, 0)[1] == 0
    assert {record.target for record in world.backups.all()[0]} == {"dir:/a", "dir:/b"}
    for record in world.backups.all()[0]:
        assert world.vault.verify(record.id) == ""
    world.vault.sweep()
    assert world.leftovers() == []
    assert {record.id for record in world.backups.all()[0]} == {path.name for path in world.manifest("").iterdir()}
