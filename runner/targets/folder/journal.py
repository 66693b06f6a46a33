"""The step file by file, where two folders cannot change places: by a list on disk, so that it can be finished or undone by anybody.

Everything that comes or goes lies in a folder of ours inside of the live one, so each step is a rename within one file system. While
the step goes on, readers may see a mix. Each rename names that folder by its fence: once somebody has taken over, it fails.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from runner.crashpoints import crashpoint
from runner.durable import sync_folder, write
from runner.errors import Fenced, TargetMoved
from runner.model.promotion import Place
from runner.ports import Trees
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.managed import EXECUTABLE, LINK, Found, Sides, listed, recheck
from runner.targets.folder.names import Names, discarded
from runner.targets.folder.staging import opened_file, owner_near, put
from runner.targets.folder.stepping import removed
from runner.targets.folder.task import Task

FILE: Final = "file"
REMOVE: Final = "remove"
CLEAR: Final = "clear"
FOLDER: Final = "folder"
_LIST: Final = "list"
_A_FOLDER: Final = -1
_NO_SECOND_NAME: Final = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP)


class Change(NamedTuple):
    """One name that changes: from the inode `old` to `new`; `None` for nothing."""

    kind: str
    """FILE comes or is replaced, REMOVE: it goes, CLEAR: a folder goes since a file comes there, FOLDER: one comes."""
    path: bytes
    old: int | None
    new: int | None


def names(task: Task) -> Names:
    """The names of our folder in the live one."""
    return Names(_top(task), f".seatrial-{task.promotion.run}-")


def prepare(task: Task) -> dict[str, Any]:
    """Lay what comes, sync it, and write down the list."""
    _lay(task, task.there)
    return {"old": 0, "new": 0}


def swap(task: Task) -> None:
    """Go through the list."""
    with _stage(task) as stage:
        edited = recheck(_top(task), task.before, task.found, task.known)
        if edited:
            raise TargetMoved(f"{listed(edited)} was changed by somebody else meanwhile.")
        try:
            stage.towards(task.after.tree)
        except TargetMoved:
            stage.towards(task.before.tree)
            raise


def claim(task: Task) -> None:
    """Rename our folder, so that each further rename by its old name fails."""
    names(task).claim(task.promotion.fence)


def stands(task: Task) -> Place | None:
    """By the inodes in the list; `None` when some are old and some are new, or somebody else's."""
    if not _written(task):
        return None
    with _stage(task) as stage:
        return {task.before.tree: Place.OLD, task.after.tree: Place.NEW}.get(stage.at())


def resume(task: Task, stands: Place | None) -> Place | None:
    """Back to the old content when only some of it was replaced."""
    if stands is None and _written(task):
        with _stage(task) as stage:
            if stage.mixed:
                stage.towards(task.before.tree)
                return Place.OLD
    return stands


def take_back(task: Task) -> None:
    """Go through the list from its end; a new one when it is gone."""
    if not _written(task):
        clear(task)
        _lay(task, task.back)
    with _stage(task) as stage:
        stage.towards(task.before.tree)


def clear(task: Task) -> None:
    """Remove our folder."""
    names(task).clear(task.promotion.fence)


def tidy(task: Task) -> None:
    """Remove our folder, and the folders that became empty."""
    mine, where = names(task), stands(task)
    leaving, coming = (task.before, task.after) if where is Place.NEW else (task.after, task.before)
    if where is not None:
        with Descent(_top(task)) as live:
            for path in sorted(leaving.folders - coming.folders, reverse=True):
                with suppress(Gone, OSError):
                    above, name = live.at(path)
                    os.rmdir(name, dir_fd=above)
    removed(mine.theirs(task.promotion.fence), (mine,), out_since=0.0, grace=0.0)
    sync_folder(_top(task))


def leftovers(task: Task) -> tuple[Path, ...]:
    """What was discarded in the live folder, and is no tree's."""
    managed = {*task.there.paths, *task.before.folders, *task.after.folders}
    return tuple(one for one in discarded(_top(task), "") if os.fsencode(one.name) not in managed)


def old_copy(task: Task) -> Path:
    """Our folder in the live one has the files that were replaced."""
    return names(task).at(task.promotion.fence)


def _top(task: Task) -> Path:
    return Path(os.path.realpath(task.place.path))


def _written(task: Task) -> bool:
    return os.path.lexists(names(task).at(task.promotion.fence) / _LIST)


def _stage(task: Task) -> "_Stage":
    folder = names(task).at(task.promotion.fence)
    try:
        told = json.loads((folder / _LIST).read_bytes())
    except FileNotFoundError as problem:
        names(task).held(task.promotion.fence)
        raise Fenced(f"What was laid in '{task.place.said}' is not there any more: somebody else has taken over.") from problem
    changes = tuple(Change(kind, bytes.fromhex(path), old, new) for kind, path, old, new in told["changes"])
    return _Stage(_top(task), folder, changes, (told["from"], told["to"]))


def _lay(task: Task, sides: Sides) -> None:
    top, folder = _top(task), names(task).at(task.promotion.fence)
    folder.mkdir(mode=stat.S_IRWXU)
    with Descent(top) as live, Descent(folder) as stage:
        changes = []
        for number, planned in enumerate(_plan(sides, task.found, live)):
            made = planned
            if planned.kind in (FILE, FOLDER):
                made = planned._replace(new=_laid(stage, number, planned, sides, live, task.trees))
            changes.append(made)
        os.fsync(stage.top)
    told = {"from": sides.leaving.tree, "to": sides.coming.tree}
    lines = [[one.kind, one.path.hex(), one.old, one.new] for one in changes]
    write(folder / _LIST, json.dumps({**told, "changes": lines}).encode())
    sync_folder(top)
    crashpoint("folder.journal.listed")


def _plan(sides: Sides, found: Mapping[bytes, Found], live: Descent) -> Iterator[Change]:
    """In an order in which each name is free when something comes there."""
    leaving, coming = sides
    for path in leaving.files:
        if path not in coming.files:
            yield Change(REMOVE, path, found[path].seen.number, None)
    for path in sorted(coming.files):
        number = _folder_number(live, path)
        if number is not None:
            yield Change(CLEAR, path, number, None)
    for path in sorted(coming.folders):
        if path and _folder_number(live, path) is None:
            yield Change(FOLDER, path, None, None)
    for path, entry in coming.files.items():
        if leaving.files.get(path) != entry:
            yield Change(FILE, path, found[path].seen.number if path in leaving.files else None, None)


def _folder_number(live: Descent, path: bytes) -> int | None:
    try:
        return os.fstat(live.folder(path)).st_ino
    except Gone:
        return None


def _laid(stage: Descent, number: int, change: Change, sides: Sides, live: Descent, trees: Trees) -> int:
    """The inode of what was laid for a change."""
    name, owner = _new(number), owner_near(live, change.path.rpartition(b"/")[0])
    if change.kind == FOLDER:
        os.mkdir(name, 0o755, dir_fd=stage.top)
        if not os.geteuid():
            os.chown(name, *owner, dir_fd=stage.top)
        return os.stat(name, dir_fd=stage.top, follow_symlinks=False).st_ino
    entry = sides.coming.files[change.path]
    data = trees.blobs((entry.blob,))[entry.blob]
    if entry.mode == LINK:
        os.symlink(data, name, dir_fd=stage.top)
        if not os.geteuid():
            os.chown(name, *owner, dir_fd=stage.top, follow_symlinks=False)
        return os.stat(name, dir_fd=stage.top, follow_symlinks=False).st_ino
    model = opened_file(live, change.path)
    try:
        put(stage.top, name, data, executable=entry.mode == EXECUTABLE, model=model, owner=owner)
    finally:
        if model is not None:
            os.close(model)
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=stage.top)
    try:
        os.fsync(file)
        return os.fstat(file).st_ino
    finally:
        os.close(file)


def _new(number: int) -> bytes:
    return b"new-%d" % number


def _old(number: int) -> bytes:
    return b"old-%d" % number


class _Stage:
    """The list and what lies beside it; our folder is named by its whole path in every step, since that has the fence."""

    def __init__(self, top: Path, folder: Path, changes: tuple[Change, ...], trees: tuple[str, str]) -> None:
        self._folder = folder
        self._changes = changes
        self._trees = trees
        self._live = Descent(top)
        self.mixed = False
        """Whether some names are old and some are new; told by `at`."""

    def __enter__(self) -> Self:
        self.at()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def at(self) -> str:
        """The tree that all names are at; empty when they are not at one."""
        stand = {self._stands(number, change) for number, change in enumerate(self._changes) if change.kind in (FILE, REMOVE)}
        self.mixed = stand != set() and "other" not in stand and stand not in ({"new"}, {"old"})
        return self._trees[stand == {"new"}] if stand in ({"new"}, {"old"}) else ""

    def towards(self, tree: str) -> None:
        """Make all names those of one of the two trees; what is so already is left. Raises TargetMoved, Fenced, OSError; begun is begun then."""
        onward = tree == self._trees[1]
        numbered = list(enumerate(self._changes))
        touched = {b""}
        for number, change in numbered if onward else reversed(numbered):
            try:
                (self._onward if onward else self._backward)(number, change)
            except FileNotFoundError as problem:
                if not os.path.lexists(self._folder):
                    raise Fenced("What was laid in the live folder is not there any more: somebody else has taken over.") from problem
                raise
            except Gone as problem:
                raise _moved(change) from problem
            touched.add(change.path.rpartition(b"/")[0])
            crashpoint("folder.journal.file")
        for path in sorted(touched):
            with suppress(Gone):
                os.fsync(self._live.folder(path))
        sync_folder(self._folder)
        crashpoint("folder.journal.done")

    def _stands(self, number: int, change: Change) -> str:
        here = self._number(change.path)
        for side, expected in (("new", change.new), ("old", change.old)):
            if here == expected or (here == _A_FOLDER and expected is None):
                return side
        return "between" if here is None and self._both_here(number) else "other"

    def _both_here(self, number: int) -> bool:
        """Whether what comes and what goes both lie here: one was moved away, and the other was not brought yet."""
        return all(os.path.lexists(self._path(name)) for name in (_old(number), _new(number)))

    def _onward(self, number: int, change: Change) -> None:
        if change.kind == FOLDER:
            if self._folder_here(change.path) is None:
                self._bring(_new(number), change.path)
        elif change.kind == CLEAR:
            if self._folder_here(change.path) == change.old:
                self._clear(number, change)
        elif (stands := self._stands(number, change)) == "other":
            raise _moved(change)
        elif stands != "new" and change.kind == REMOVE:
            self._take(change.path, _old(number))
        elif stands != "new":
            if stands == "old" and change.old is not None:
                self._second_name(change.path, _old(number))
            self._bring(_new(number), change.path)

    def _backward(self, number: int, change: Change) -> None:
        if change.kind == FOLDER:
            if self._folder_here(change.path) == change.new and not self._listdir(change.path):
                self._take(change.path, _new(number))
        elif change.kind == CLEAR:
            if self._folder_here(change.path) is None and os.path.lexists(self._path(_old(number))):
                self._bring(_old(number), change.path)
        elif (stands := self._stands(number, change)) == "other":
            raise _moved(change)
        elif stands != "old" and change.old is None:
            self._take(change.path, _new(number))
        elif stands != "old":
            if stands == "new" and change.new is not None:
                self._second_name(change.path, _new(number))
            self._bring(_old(number), change.path)

    def _clear(self, number: int, change: Change) -> None:
        """A folder goes only when nothing but empty folders is in it, looked at when nobody can write to it by its name any more."""
        self._take(change.path, _old(number))
        for _, _, files in os.walk(self._path(_old(number))):
            if files:
                self._bring(_old(number), change.path)
                raise _moved(change)

    def _second_name(self, path: bytes, name: bytes) -> None:
        """Keep what is about to be replaced; where it can have no second name it is moved, and missing for a moment."""
        above, last = self._live.at(path)
        try:
            os.link(last, self._path(name), src_dir_fd=above, follow_symlinks=False)
        except FileExistsError:
            pass
        except OSError as problem:
            if problem.errno not in _NO_SECOND_NAME:
                raise
            self._take(path, name)

    def _bring(self, name: bytes, path: bytes) -> None:
        above, last = self._live.at(path)
        os.rename(self._path(name), last, dst_dir_fd=above)

    def _take(self, path: bytes, name: bytes) -> None:
        above, last = self._live.at(path)
        os.rename(last, self._path(name), src_dir_fd=above)

    def _path(self, name: bytes) -> bytes:
        return bytes(self._folder) + b"/" + name

    def _number(self, path: bytes) -> int | None:
        """The inode of what is at a path; one that nothing has for a folder."""
        try:
            above, last = self._live.at(path)
            facts = os.stat(last, dir_fd=above, follow_symlinks=False)
        except (Gone, FileNotFoundError):
            return None
        return _A_FOLDER if stat.S_ISDIR(facts.st_mode) else facts.st_ino

    def _folder_here(self, path: bytes) -> int | None:
        self._live.forget()
        return _folder_number(self._live, path)

    def _listdir(self, path: bytes) -> list[str]:
        return os.listdir(self._live.folder(path))  # noqa: PTH208 - of an open folder


def _moved(change: Change) -> TargetMoved:
    return TargetMoved(f"{listed((change.path,))} was changed by somebody else meanwhile.")
