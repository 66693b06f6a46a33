"""Why a folder cannot take a step, told before anything is written."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from runner.model.globs import Glob, first
from runner.model.text import shown
from runner.ports import Trees
from runner.targets.folder.databases import is_database
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.foreign import Foreign, Unlinkable, flat
from runner.targets.folder.managed import Sides, listed
from runner.targets.folder.place import JOURNAL, SYMLINK, Place, may_write

_FOLDER: int = 4096
"""Bytes that a folder takes, about."""
_TWICE = 2


class Question(NamedTuple):
    """A step that is to be judged."""

    place: Place
    live: Path
    method: str
    why: str
    """Why not by an exchange."""
    sides: Sides
    keep: tuple[Glob, ...]
    trees: Trees


def obstacle(question: Question) -> str:
    """The first one found, in a sentence; empty when there is none. Raises OSError, UsageError."""
    checks: tuple[Callable[[Question], str], ...] = (_names, _kept, _method, _in_the_way, _databases, _owners, _space)
    return next(filter(None, (check(question) for check in checks)), "")


def _names(question: Question) -> str:
    for side in question.sides:
        if side.gitlinks:
            return f"{listed(side.gitlinks)} is a submodule, which a live folder cannot hold: put its files into the tree."
        if side.unsafe:
            return f"{listed(side.unsafe)} cannot be written safely."
    return ""


def _kept(question: Question) -> str:
    for old, new in question.trees.raw_diff(question.sides.leaving.tree, question.sides.coming.tree):
        entry = old or new
        pattern = first(question.keep, shown(entry.path)) if entry else None
        if entry and pattern:
            return f"The change touches {listed((entry.path,))}, which belongs to the service by the pattern '{pattern}' of `promote.keep`."
    return ""


def _method(question: Question) -> str:
    if question.method != JOURNAL:
        return ""
    if not may_write(question.live):
        return f"'{question.place.said}' may not be written to, and {question.why}."
    device = question.live.stat().st_dev
    with Descent(question.live) as live:
        for path in _changed(question.sides):
            folder = _nearest(live, path)
            if os.fstat(folder).st_dev != device:
                return f"{listed((path,))} is on another file system than '{question.place.said}', and {question.why}."
            if os.geteuid() and not may_write(f"/proc/self/fd/{folder}"):
                return f"The folder of {listed((path,))} may not be written to."
    return ""


def _in_the_way(question: Question) -> str:
    leaving, coming = question.sides
    with Descent(question.live) as live:
        for path in coming.files:
            if path in leaving.files:
                continue
            what = _stands(live, path, question.sides)
            if what:
                return f"{listed((what,))} belongs to the service, and stands where the change puts {listed((path,))}."
    return ""


def _databases(question: Question) -> str:
    """SQLite resolves links: a service that runs would go on in the old release, and whoever comes later would begin in the new one."""
    if question.method != SYMLINK:
        return ""
    with Descent(question.live) as live:
        foreign = Foreign(live, question.sides)
        try:
            foreign.scan()
        except Unlinkable as problem:
            return f"{problem}, so it cannot be brought into a new release: move it to a folder 'shared' beside the releases."
        for path, mark in flat(foreign.marks()):
            if mark.kind == "f" and is_database(live, path):
                return f"The database {listed((path,))} lies in a release: move it to a folder 'shared' beside the releases, with a link to it."
    return ""


def _owners(question: Question) -> str:
    """Only root can give a new file to somebody else."""
    if not os.geteuid():
        return ""
    leaving, coming = question.sides
    with Descent(question.live) as live:
        for path in _changed(question.sides):
            if path not in leaving.files or path not in coming.files:
                continue
            try:
                above, name = live.at(path)
                facts = os.stat(name, dir_fd=above, follow_symlinks=False)
            except (Gone, FileNotFoundError):
                continue
            if facts.st_uid != os.geteuid():
                return f"{listed((path,))} belongs to another user, to whom only root could give the new one."
    return ""


def _space(question: Question) -> str:
    size = sum(change.new_size for change in question.trees.diff(question.sides.leaving.tree, question.sides.coming.tree))
    folders = len(question.sides.coming.folders) if question.method != JOURNAL else 0
    needed = _TWICE * (size + folders * _FOLDER)
    where = question.live.parent if question.method == SYMLINK else question.place.parent if question.method != JOURNAL else question.live
    facts = os.statvfs(where)
    if facts.f_bavail * facts.f_frsize < needed:
        free = facts.f_bavail * facts.f_frsize // 2**20
        return f"The step needs {needed // 2**20 + 1} MiB beside '{question.place.said}', and {free} MiB are free."
    if facts.f_files and facts.f_favail < _TWICE * (folders + len(_changed(question.sides))):
        return f"The file system of '{question.place.said}' has too few inodes left."
    return ""


def _changed(sides: Sides) -> tuple[bytes, ...]:
    leaving, coming = sides
    return tuple(path for path in sides.paths if leaving.files.get(path) != coming.files.get(path))


def _nearest(live: Descent, path: bytes) -> int:
    """The folder of a path, or the nearest one above it that is there."""
    folder = path.rpartition(b"/")[0]
    while True:
        try:
            return live.folder(folder)
        except Gone:
            folder = folder.rpartition(b"/")[0]


def _stands(live: Descent, path: bytes, sides: Sides) -> bytes:
    """What of the service's is where a new file goes, or a folder that leads to it; empty for nothing."""
    names = path.split(b"/")
    for depth in range(1, len(names) + 1):
        one = b"/".join(names[:depth])
        try:
            above, name = live.at(one)
            facts = os.stat(name, dir_fd=above, follow_symlinks=False)
        except (Gone, FileNotFoundError):
            return b""
        if not stat.S_ISDIR(facts.st_mode):
            return b"" if one in sides.leaving.files else one
    return next(_foreign(live, path, sides), b"")


def _foreign(live: Descent, folder: bytes, sides: Sides) -> Iterator[bytes]:
    """Anything of the service's in a folder that must make room."""
    if folder not in sides.leaving.folders:
        yield folder
        return
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        with os.scandir(live.folder(path)) as entries:
            found: Iterable[tuple[bytes, bool]] = [(os.fsencode(one.name), one.is_dir(follow_symlinks=False)) for one in entries]
        for name, is_folder in found:
            below = path + b"/" + name
            if is_folder and below in sides.leaving.folders:
                waiting.append(below)
            elif is_folder or below not in sides.leaving.files:
                yield below
