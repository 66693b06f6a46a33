"""The step by an exchange of names: the new folder lies beside the live one, and both change places at once."""

import os
import re
from pathlib import Path
from typing import Any

from runner.crashpoints import crashpoint
from runner.durable import exchange, sync_folder
from runner.errors import Fenced, InfrastructureError, TargetMoved
from runner.model.promotion import Place
from runner.targets.folder.crossing import Crossing, Setting
from runner.targets.folder.managed import Sides, differing, id_length, read
from runner.targets.folder.names import CARRIED, Names, discarded
from runner.targets.folder.record import Record
from runner.targets.folder.staging import Order, lay
from runner.targets.folder.stepping import Step, back, forward, removed, rescue, settled
from runner.targets.folder.task import Task


def names(task: Task) -> Names:
    """The names beside the live folder."""
    return Names(task.place.parent, f".{task.place.name}.seatrial-{task.promotion.run}-")


def prepare(task: Task) -> dict[str, Any]:
    """Lay the new folder beside the live one, with what the service has at this moment."""
    beside, live = _beside(task), task.place.path
    lay(Order(live, beside, task.there, task.found, task.trees))
    with Crossing(live, beside, _setting(task, task.there)) as crossing:
        crossing.carry(fresh=True)
    sync_folder(task.place.parent)
    crashpoint("folder.carried.first")
    return {"old": live.lstat().st_ino, "new": beside.lstat().st_ino}


def swap(task: Task) -> None:
    """Let the two folders change places."""
    _owner(task)
    if stands(task) is not Place.OLD:
        raise TargetMoved(f"'{task.place.said}' is not the folder any more that it was.")
    forward(_step(task, task.there))


def claim(task: Task) -> None:
    """Rename what lies beside, so that an exchange by the old name fails."""
    names(task).claim(task.promotion.fence)


def stands(task: Task) -> Place | None:
    """By the inodes of the live folder and the one beside it, as the record of the last step has them, else the promotion.

    One of them says nothing: once a folder is gone, the next one that is made may get its inode.
    """
    details = task.promotion.details
    try:
        live, beside = task.place.path.lstat().st_ino, _beside(task).lstat().st_ino
    except FileNotFoundError:
        return None
    if heading := _record(task).heading():
        return {task.before.tree: Place.OLD, task.after.tree: Place.NEW}.get(heading.at(live, beside) or "")
    old, new = details.get("old"), details.get("new")
    return {(old, new): Place.OLD, (new, old): Place.NEW}.get((live, beside))


def resume(task: Task, stands: Place | None) -> Place | None:
    """Sync the exchange, and carry over what came in between."""
    if stands is not None and os.path.lexists(_beside(task)):
        sync_folder(task.place.parent)
        settled(_beside(task), task.place.path, _setting(task, task.there if stands is Place.NEW else task.back))
    return stands


def take_back(task: Task) -> None:
    """Bring the old folder up to date with what the service did since, and let both change places again."""
    beside, live = _beside(task), task.place.path
    if os.path.lexists(beside):
        settled(beside, live, _setting(task, task.there))
        if not _holds_old(task, beside):
            rescue(beside, live, _setting(task, task.there), task.known)
            names(task).discard(beside)
    if not os.path.lexists(beside):
        _record(task).forget()  # it speaks of the folder that was there
        _lay_back(task)
    back(_step(task, task.back))


def clear(task: Task) -> None:
    """Remove what lies beside."""
    names(task).clear(task.promotion.fence)


def tidy(task: Task) -> None:
    """Remove the folder that is not live, with what was written to it since brought over."""
    mine, beside = names(task), _beside(task)
    where, out_since = stands(task), 0.0
    if os.path.lexists(beside):
        facts = beside.lstat()
        if where is None and facts.st_ino == task.promotion.details.get("old"):
            return  # the live folder is nobody's we know, and this is the only copy of the old one
        heading = _record(task).heading()
        if where is not None and (heading is None or heading.source == facts.st_ino):
            setting = _setting(task, task.there if where is Place.NEW else task.back)
            settled(beside, task.place.path, setting)
            rescue(beside, task.place.path, setting, task.known)
            out_since = facts.st_ctime
    removed(mine.theirs(task.promotion.fence), (mine,), out_since=out_since, grace=task.grace)
    sync_folder(task.place.parent)


def leftovers(task: Task) -> tuple[Path, ...]:
    """What was discarded beside the live folder."""
    return discarded(task.place.parent, rf"\.{re.escape(task.place.name)}")


def old_copy(task: Task) -> Path:
    """Beside the live folder."""
    return _beside(task)


def _lay_back(task: Task) -> None:
    """Lay the old folder anew, with an inode that is neither of those that the promotion was made with: it is another folder than those."""
    beside, live = _beside(task), task.place.path
    lay(Order(live, beside, task.back, task.found, task.trees))
    while beside.lstat().st_ino in task.promotion.details.values():
        names(task).discard(beside)  # and it keeps its inode until it is swept
        lay(Order(live, beside, task.back, task.found, task.trees))


def _beside(task: Task) -> Path:
    return names(task).at(task.promotion.fence)


def _record(task: Task) -> Record:
    return Record(names(task).at(task.promotion.fence, CARRIED))


def _owner(task: Task) -> None:
    if not os.path.lexists(_beside(task)):
        names(task).held(task.promotion.fence)
        raise Fenced(f"What was laid beside '{task.place.said}' is not there any more: somebody else has taken over.")


def _setting(task: Task, sides: Sides) -> Setting:
    return Setting(sides, _record(task), task.promotion.run, lambda: _owner(task))


def _holds_old(task: Task, beside: Path) -> bool:
    paths = task.there.paths
    found = read(beside, paths, id_length(task.before.tree), task.known)
    return not any(differing(found, task.before, paths))


def _step(task: Task, sides: Sides) -> Step:
    live, beside = task.place.path, _beside(task)
    number = live.lstat().st_ino
    return Step(
        live, beside, _setting(task, sides), task.found, task.known, lambda: _change(task, number), lambda: sync_folder(live.parent)
    )


def _change(task: Task, number: int) -> None:
    """Exchange, and see that what came out is what was meant."""
    live, beside = task.place.path, _beside(task)
    try:
        exchange(live, beside)
    except FileNotFoundError as problem:
        _owner(task)
        raise TargetMoved(f"'{task.place.said}' is not there any more.") from problem
    except OSError as problem:
        raise InfrastructureError(f"'{task.place.said}' cannot change places with a folder beside it: {problem.strerror}.") from problem
    try:
        if beside.lstat().st_ino == number:
            return
    except FileNotFoundError:
        return  # taken over at this moment, by somebody who finds the target new
    exchange(live, beside)
    raise TargetMoved(f"'{task.place.said}' was replaced by another folder meanwhile.")
