"""The managed paths of a live folder: which they are by the trees, and what of them is there, read and hashed."""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from runner.model.change import DEEPEST
from runner.model.globs import Glob, first
from runner.model.text import printable, shown
from runner.ports import TreeEntry, Trees
from runner.targets.folder.descent import Descent, Gone

FILE: Final = "100644"
EXECUTABLE: Final = "100755"
LINK: Final = "120000"
_GITLINK: Final = "160000"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PIECE: Final = 2**20
_ATTEMPTS: Final = 3
_RECENT: Final = 100_000_000
"""Nanoseconds: a file may be written twice within one tick of the file system's clock, so what is as fresh as this is read again."""
_LONGEST: Final = 255
_SHA256_DIGITS: Final = 64


@dataclass(frozen=True)
class Managed:
    """The files and links of one tree, by path in the order of the tree, and the folders that they are in; the top is `b""`."""

    tree: str
    files: Mapping[bytes, TreeEntry]
    folders: frozenset[bytes]
    gitlinks: tuple[bytes, ...] = ()
    unsafe: tuple[bytes, ...] = ()
    """Paths that no honest tree has."""


class Sides(NamedTuple):
    """One step of a folder: the tree that leaves, and the one that comes."""

    leaving: Managed
    coming: Managed

    @property
    def paths(self) -> dict[bytes, None]:
        """All that is managed, about in the order of the trees: none of it belongs to the service."""
        return dict.fromkeys((*self.leaving.files, *self.coming.files))


class Seen(NamedTuple):
    """How to know a file again without reading it."""

    number: int
    mode: int
    size: int
    changed: int
    """Nanoseconds since 1970, as are those of `status`."""
    status: int


class Found(NamedTuple):
    """A file or link as git would record it; mode and blob are empty for what git could not."""

    mode: str
    blob: str
    seen: Seen


Known = dict[int, dict[int, Found]]
"""What was read, by device and inode; it counts as long as the rest is as it was seen."""


def managed(trees: Trees, tree: str, keep: Iterable[Glob]) -> Managed:
    """What is managed of a tree: all but submodules, and what belongs to the service by the patterns of `keep`."""
    patterns = tuple(keep)
    files: dict[bytes, TreeEntry] = {}
    folders: set[bytes] = {b""}
    gitlinks, unsafe = [], []
    for entry in trees.entries(tree):
        if patterns and first(patterns, shown(entry.path)):
            continue
        if entry.mode == _GITLINK:
            gitlinks.append(entry.path)
            continue
        folder, _, name = entry.path.rpartition(b"/")
        if folder not in folders or _bad(name):
            if any(map(_bad, entry.path.split(b"/"))) or entry.path.count(b"/") >= DEEPEST:
                unsafe.append(entry.path)
                continue
            while folder not in folders:
                folders.add(folder)
                folder = folder.rpartition(b"/")[0]
        files[entry.path] = entry
    return Managed(tree, files, frozenset(folders), tuple(gitlinks), tuple(unsafe))


def read(top: Path, paths: Iterable[bytes], length: int, known: Known | None = None) -> dict[bytes, Found]:
    """What is at each path below `top`; those where nothing is, or a folder, are left out. `length` is that of a blob's id, in digits.

    With `known`, files that are as they were when they were last read are not read again, and what is read is noted. Raises OSError.
    """
    found = {}
    with Descent(top) as descent:
        memory = {} if known is None else known.setdefault(os.fstat(descent.top).st_dev, {})
        remembered, last, folder = memory.get, None, None
        for path in paths:
            above, _, name = path.rpartition(b"/")
            if above != last:
                last, folder = above, _opened(descent, above)
            if folder is None:
                continue
            try:
                facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            one = remembered(facts.st_ino)
            if one is None or one.seen != seen_of(facts):
                one = _one(folder, name, length, facts)
                if one is None:
                    continue
                if known is not None and max(one.seen.changed, one.seen.status) < time.time_ns() - _RECENT:
                    memory[facts.st_ino] = one
            found[path] = one
    return found


def named_again(found: Mapping[bytes, Found], known: Known, device: int) -> None:
    """Know files again that got a second name since they were read, which changes the time of their status and nothing else."""
    memory = known.get(device, {})
    for one in found.values():
        before = memory.get(one.seen.number)
        if before is not None and before._replace(seen=before.seen._replace(status=one.seen.status)) == one:
            memory[one.seen.number] = one


def differing(found: Mapping[bytes, Found], wanted: Managed, paths: Iterable[bytes]) -> Iterator[bytes]:
    """Which of the managed `paths` are not as in the tree `wanted`; those that it does not have must not be there."""
    files = wanted.files
    for path in paths:
        entry, one = files.get(path), found.get(path)
        if entry is None or one is None:
            if entry or one:
                yield path
        elif entry.blob != one.blob or entry.mode != one.mode:
            yield path


def recheck(top: Path, wanted: Managed, found: dict[bytes, Found], known: Known | None = None) -> tuple[bytes, ...]:
    """Which files of the tree are not as they were found, or not in the tree: by what tells them apart without reading, else by reading.

    `found` is brought up to date. Raises OSError.
    """
    suspects = []
    with Descent(top) as descent:
        last, folder = None, None
        for path in wanted.files:
            above, _, name = path.rpartition(b"/")
            if above != last:
                last, folder = above, _opened(descent, above)
            one = found.get(path)
            try:
                same = folder is not None and one is not None and one.seen == seen_of(os.stat(name, dir_fd=folder, follow_symlinks=False))
            except FileNotFoundError:
                same = False
            if not same:
                suspects.append(path)
    if suspects:
        for path in suspects:
            found.pop(path, None)
        found.update(read(top, suspects, id_length(wanted.tree), known))
    return tuple(differing(found, wanted, suspects))


def listed(paths: Iterable[bytes], most: int = 3) -> str:
    """Some paths for a sentence."""
    names = [printable(shown(path)) for path in paths]
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name}'" for name in names[:most]) + rest


def id_length(tree: str) -> int:
    """Digits of the ids of blobs beside a tree's."""
    return len(tree)


def seen_of(facts: os.stat_result) -> Seen:
    """How to know it again."""
    return Seen(facts.st_ino, facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def mode_of(facts: os.stat_result) -> str:
    """Git's mode of a file or link; empty for anything else."""
    if stat.S_ISREG(facts.st_mode):
        return EXECUTABLE if facts.st_mode & stat.S_IXUSR else FILE
    return LINK if stat.S_ISLNK(facts.st_mode) else ""


def content(top: Path, entry: TreeEntry) -> bytes:
    """A managed file or link, whole. Raises OSError, also when it is not what the tree says."""
    with Descent(top) as descent:
        try:
            folder, name = descent.at(entry.path)
            facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
            data = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(facts.st_mode) else _whole(folder, name)
        except Gone as problem:
            raise FileNotFoundError(errno.ENOENT, "is not there any more", shown(entry.path)) from problem
    digest = _digest(len(entry.blob))(b"blob %d\0" % len(data) + data)
    if (mode_of(facts), digest.hexdigest()) != (entry.mode, entry.blob):
        raise OSError(errno.ESTALE, "was changed", shown(entry.path))
    return data


def _sha1(start: bytes) -> Any:
    return hashlib.sha1(start, usedforsecurity=False)


def _digest(length: int) -> Callable[[bytes], Any]:
    return hashlib.sha256 if length == _SHA256_DIGITS else _sha1


def _bad(name: bytes) -> bool:
    return len(name) > _LONGEST or (name[:1] in (b".", b"") and name.lower() in (b"", b".", b"..", b".git"))


def _opened(descent: Descent, folder: bytes) -> int | None:
    try:
        return descent.folder(folder)
    except Gone:
        return None


def _one(folder: int, name: bytes, length: int, facts: os.stat_result) -> Found | None:
    """What is at a name, read; `None` for a folder, and when it has vanished."""
    for _ in range(_ATTEMPTS):
        if stat.S_ISDIR(facts.st_mode):
            return None
        seen, mode = seen_of(facts), mode_of(facts)
        if not mode:
            return Found("", "", seen)
        blob = _link(folder, name, length) if mode == LINK else _hashed(folder, name, seen, length)
        if blob is not None:
            return Found(mode, blob, seen)
        try:
            facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
    return Found(mode, "", seen)  # it does not keep still: nobody can say what it is


def _hashed(folder: int, name: bytes, seen: Seen, length: int) -> str | None:
    """The blob of a file that was seen; `None` when it changed under our hands."""
    try:
        file = os.open(name, _READ, dir_fd=folder)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            return None
        raise
    try:
        digest = _digest(length)(b"blob %d\0" % seen.size)
        left = seen.size + 1
        while left > 0 and (piece := os.read(file, min(_PIECE, left))):
            digest.update(piece)
            left -= len(piece)
        return str(digest.hexdigest()) if left == 1 and seen_of(os.fstat(file)) == seen else None
    finally:
        os.close(file)


def _link(folder: int, name: bytes, length: int) -> str | None:
    try:
        target = os.readlink(name, dir_fd=folder)
    except OSError:  # something else by now
        return None
    return str(_digest(length)(b"blob %d\0" % len(target) + target).hexdigest())


def _whole(folder: int, name: bytes) -> bytes:
    file = os.open(name, _READ, dir_fd=folder)
    with os.fdopen(file, "rb") as opened:
        return opened.read()
