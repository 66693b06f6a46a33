"""The step by a link: the target is a link to a release, and is made to lead to a new release beside the old one."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from runner.crashpoints import crashpoint
from runner.durable import sync_folder
from runner.errors import Fenced, InfrastructureError, TargetMoved
from runner.model.promotion import Place
from runner.targets.folder.crossing import Crossing, Setting
from runner.targets.folder.foreign import Unlinkable
from runner.targets.folder.managed import Managed, Sides, differing, id_length, read
from runner.targets.folder.names import BACK, CARRIED, GONE, Names, discarded
from runner.targets.folder.record import Record
from runner.targets.folder.staging import Order, lay
from runner.targets.folder.stepping import Step, back, forward, removed, rescue, settled
from runner.targets.folder.task import Task

_HELD: Final = ".held"
"""An empty file whose name says who may work."""
_SHARED: Final = "shared"
_DIGITS: Final = 12
_RELEASE: Final = re.compile(rf"([0-9a-f]{{{_DIGITS}}}\.seatrial-(.+?)-)\d+({GONE}[0-9a-f]*)?", re.DOTALL)
_WAITING: Final = re.compile(rf"\..+\.seatrial-(.+)-\d+{re.escape(_HELD)}", re.DOTALL)


def names(task: Task) -> Names:
    """The names beside the link: the link that will be renamed over it, and the one that will be when it is taken back."""
    return Names(task.place.parent, f".{task.place.name}.seatrial-{task.promotion.run}-")


def prepare(task: Task) -> dict[str, Any]:
    """Lay the new release, and the two links."""
    mine, fence, link = names(task), task.promotion.fence, task.place.path
    old, text = Path(os.path.realpath(link)), os.fsencode(link.readlink())
    new = _releases(old.parent, task.after, task.promotion.run).at(fence)
    _hold(task)
    lay(Order(old, new, task.there, task.found, task.trees))
    shared = tuple(_share(task, task.after, (old, new)))
    try:
        with Crossing(old, new, _setting(task, task.there, shared)) as crossing:
            crossing.carry(fresh=True)
    except Unlinkable as problem:
        hint = f"Move it into a folder '{_SHARED}' beside the releases."
        raise InfrastructureError(f"Something of the service's cannot be brought into a new release: {problem}.", hint=hint) from problem
    mine.at(fence).symlink_to(os.fsdecode(_text(task, new, text)))
    mine.at(fence, BACK).symlink_to(os.fsdecode(text))
    sync_folder(new.parent)
    sync_folder(link.parent)
    crashpoint("folder.carried.first")
    return {
        "old": bytes(old).hex(),
        "new": bytes(new).hex(),
        "old_link": text.hex(),
        "new_link": _text(task, new, text).hex(),
        "shared": [path.hex() for path in shared],
    }


def swap(task: Task) -> None:
    """Let the link lead to the new release."""
    if stands(task) is not Place.OLD:
        raise TargetMoved(f"'{task.place.said}' does not lead any more where it led.")
    _owner(task)
    forward(_step(task, task.there))


def claim(task: Task) -> None:
    """Rename the links that wait, so that renaming them by the old names fails."""
    names(task).claim(task.promotion.fence)


def stands(task: Task) -> Place | None:
    """By where the link leads."""
    details = task.promotion.details
    try:
        text = os.fsencode(task.place.path.readlink()).hex()
    except OSError:
        return None
    return {details.get("new_link"): Place.NEW, details.get("old_link"): Place.OLD}.get(text)


def resume(task: Task, stands: Place | None) -> Place | None:
    """Sync the link, and carry over what came in between."""
    if stands is not None and os.path.lexists(names(task).at(task.promotion.fence, _HELD)):
        sync_folder(task.place.parent)
        old, new = _folder(task, "old"), _folder(task, "new")
        if old.is_dir() and new.is_dir():
            if stands is Place.NEW:
                settled(old, new, _setting(task, task.there))
            else:
                settled(new, old, _setting(task, task.back))
    return stands


def take_back(task: Task) -> None:
    """Bring the old release up to date with what the service did since, and let the link lead there again."""
    mine, fence = names(task), task.promotion.fence
    old, live = _folder(task, "old"), Path(os.path.realpath(task.place.path))
    _hold(task)
    if old.is_dir():
        settled(old, live, _setting(task, task.there))
    text = bytes.fromhex(task.promotion.details.get("old_link", ""))
    if not (old.is_dir() and _holds_old(task, old)):
        old = _releases(live.parent, task.before, task.promotion.run).at(fence)
        _releases(live.parent, task.before, task.promotion.run).discard(old)
        _record(task).forget()  # it speaks of the release that was there
        lay(Order(live, old, task.back, task.found, task.trees))
        tuple(_share(task, task.before, (live, old)))
        text = _text(task, old, os.fsencode(task.place.path.readlink()))
    beside = mine.at(fence, BACK)
    if not os.path.lexists(beside) or os.fsencode(beside.readlink()) != text:
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.fsdecode(text))
    back(_step(task, task.back, into=old))


def clear(task: Task) -> None:
    """Remove what waits beside the link, and the new release."""
    names(task).clear(task.promotion.fence)
    _forget_releases(task, Path(os.path.realpath(task.place.path)).parent)


def tidy(task: Task) -> None:
    """Remove the links that wait, and releases of ours that nobody needs: all but the live one, the one before it, and others' live ones."""
    mine, live, where = names(task), Path(os.path.realpath(task.place.path)), stands(task)
    old, new = _folder(task, "old"), _folder(task, "new")
    out_since = 0.0
    if where is Place.NEW and old.is_dir():
        settled(old, live, _setting(task, task.there))
    elif where is Place.OLD and new.is_dir() and new != live:
        heading, number = _record(task).heading(), new.lstat().st_ino
        if heading and heading.source == number:
            settled(new, live, _setting(task, task.back))
            rescue(new, live, _setting(task, task.back), task.known)
            out_since = task.place.path.lstat().st_ctime
    releases = tuple(_unneeded(task, live, old if where is Place.NEW else None))
    doomed = (*mine.theirs(task.promotion.fence), *releases)
    sweeping = {mine, _releases(live.parent, task.after, task.promotion.run), *(one[0] for one in releases)}
    removed(doomed, tuple(sweeping), out_since=out_since, grace=task.grace)
    for folder in {live.parent, task.place.parent}:
        sync_folder(folder)


def leftovers(task: Task) -> tuple[Path, ...]:
    """What was discarded beside the link, and beside the releases, but for what somebody made a link lead to since."""
    live = Path(os.path.realpath(task.place.path))
    releases = discarded(live.parent, rf"[0-9a-f]{{{_DIGITS}}}")
    used = {live, *(path for folder in _around(task, live) for path in _led_to(folder, names(task).stem))} if releases else set()
    beside = discarded(task.place.parent, rf"\.{re.escape(task.place.name)}")
    return (*beside, *(one for one in releases if one not in used))


def old_copy(task: Task) -> Path:
    """The old release."""
    return _folder(task, "old")


def _folder(task: Task, which: str) -> Path:
    """One of the two releases; a path that nothing has when there is no such one."""
    return Path(os.fsdecode(bytes.fromhex(task.promotion.details.get(which, "")) or b"/nowhere"))


def _releases(folder: Path, side: Managed, run: str) -> Names:
    return Names(folder, f"{side.tree[:_DIGITS]}.seatrial-{run}-")


def _record(task: Task) -> Record:
    return Record(names(task).at(task.promotion.fence, CARRIED))


def _hold(task: Task) -> None:
    held = names(task).at(task.promotion.fence, _HELD)
    held.touch(mode=0o600)
    sync_folder(held.parent)


def _owner(task: Task) -> None:
    if not os.path.lexists(names(task).at(task.promotion.fence, _HELD)):
        names(task).held(task.promotion.fence)
        raise Fenced(f"What was laid beside '{task.place.said}' is not there any more: somebody else has taken over.")


def _setting(task: Task, sides: Sides, shared: tuple[bytes, ...] | None = None) -> Setting:
    if shared is None:
        shared = tuple(bytes.fromhex(path) for path in task.promotion.details.get("shared", ()))
    return Setting(sides, _record(task), task.promotion.run, lambda: _owner(task), shared)


def _text(task: Task, release: Path, model: bytes) -> bytes:
    """What a link to a release says, relative or absolute as the one before."""
    if model.startswith(b"/"):
        return bytes(release)
    return os.path.relpath(bytes(release), bytes(task.place.parent))


def _holds_old(task: Task, folder: Path) -> bool:
    paths = task.there.paths
    return not any(differing(read(folder, paths, id_length(task.before.tree), task.known), task.before, paths))


def _step(task: Task, sides: Sides, into: Path | None = None) -> Step:
    source, going_back = Path(os.path.realpath(task.place.path)), sides.coming is task.before
    into = into or _folder(task, "old" if going_back else "new")
    text = os.fsencode(task.place.path.readlink())
    beside = names(task).at(task.promotion.fence, BACK if going_back else "")
    return Step(
        source,
        into,
        _setting(task, sides),
        task.found,
        task.known,
        lambda: _change(task, beside, text),
        lambda: sync_folder(task.place.parent),
    )


def _change(task: Task, beside: Path, text: bytes) -> None:
    """Rename over; the name that is renamed is there only for whoever has the largest fence."""
    link = task.place.path
    if not link.is_symlink() or os.fsencode(link.readlink()) != text:
        raise TargetMoved(f"'{task.place.said}' was made to lead elsewhere meanwhile.")
    try:
        beside.rename(link)
    except FileNotFoundError as problem:
        raise Fenced(f"The link that waited beside '{task.place.said}' is not there any more: somebody else has taken over.") from problem


def _share(task: Task, side: Managed, releases: tuple[Path, Path]) -> Iterator[bytes]:
    """Link entries of the shared folder into the second release, where neither tree nor service has anything of its own; their paths."""
    for place in (releases[1].parent.parent / _SHARED, task.place.parent / _SHARED):
        if place.is_dir() and not place.is_symlink():
            yield from _share_below(side, releases, place, b"")
            return


def _share_below(side: Managed, releases: tuple[Path, Path], shared: Path, below: bytes) -> Iterator[bytes]:
    old, new = releases
    with os.scandir(bytes(shared / os.fsdecode(below))) as entries:
        found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, is_folder in found:
        path = below + b"/" + name if below else name
        before = old / os.fsdecode(path)
        if path in side.folders and is_folder:
            yield from _share_below(side, releases, shared, path)
        elif path not in side.folders and path not in side.files and (before.is_symlink() or not os.path.lexists(before)):
            link = new / os.fsdecode(path)
            link.symlink_to(os.path.relpath(shared / os.fsdecode(path), link.parent))
            sync_folder(link.parent)
            yield path


def _forget_releases(task: Task, folder: Path) -> None:
    """Remove what this run laid before and never went live."""
    mine = _releases(folder, task.after, task.promotion.run)
    for one in mine.present():
        if not one.gone and one.path != Path(os.path.realpath(task.place.path)):
            mine.discard(one.path)
    mine.sweep()


def _unneeded(task: Task, live: Path, previous: Path | None) -> Iterator[tuple[Names, Path]]:
    """Releases of ours that go: of this run only, unless it became live, so that everything before the previous one is history."""
    around = _around(task, live)
    used = {live, previous, *(path for folder in around for path in _led_to(folder, names(task).stem))}
    at_work = {run for folder in around for run in _at_work(folder)} - {task.promotion.run}
    for name in os.listdir(live.parent):  # noqa: PTH208 - a name need not be text
        made, path = _RELEASE.fullmatch(name), live.parent / name
        if not made or path in used or made[2] in at_work or not stat.S_ISDIR(path.lstat().st_mode):
            continue
        if made[3] is None and (previous is not None or made[2] == task.promotion.run):
            yield Names(live.parent, made[1]), path


def _around(task: Task, live: Path) -> tuple[Path, ...]:
    """The folders in which links to releases are looked for."""
    return task.place.parent, live.parent, live.parent.parent


def _led_to(folder: Path, ours: str) -> Iterator[Path]:
    """Where the links in a folder lead, but for those whose names begin like `ours`: each may be the live one of another target."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink() and not entry.name.startswith(ours):
                yield Path(os.path.realpath(entry.path))


def _at_work(folder: Path) -> Iterator[str]:
    """The runs that have something waiting beside a link in this folder."""
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208
            waiting = _WAITING.fullmatch(name)
            if waiting:
                yield waiting[1]
