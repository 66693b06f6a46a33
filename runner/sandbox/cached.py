"""What the cache directory holds, and its removal: what a run uses stays, and no symbolic link is ever followed.

An entry goes in one rename, into a directory that the next start sweeps should this process die; only then is it taken apart.
"""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from runner.sandbox import live, snapshots
from runner.sandbox.file_lock import alone

SNAPSHOTS, BASELINES, SETTLED, HISTORY, REGISTRY = "snapshots", "baselines", "settled", "history", "registry"
LOCKS, LIVE, OTHER = "locks", "live", "other"
KINDS = (SNAPSHOTS, BASELINES, SETTLED, HISTORY, REGISTRY, LOCKS, LIVE, OTHER)
CLEARED = (SNAPSHOTS, BASELINES, SETTLED, HISTORY, REGISTRY)
"""What a clear takes when it is not told what; `other` it takes when told."""
_FOLDERS = {snapshots.FOLDER: SNAPSHOTS, "baselines": BASELINES, "settled": SETTLED, "history": HISTORY, "locks": LOCKS, "live": LIVE}
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 512


@dataclass(frozen=True)
class Entry:
    """One thing in the cache; `size` is bytes on disk, `used` the last use in seconds since the epoch."""

    kind: str
    name: str
    size: int
    used: float
    in_use: bool
    folder: Path


@dataclass(frozen=True)
class Cleared:
    """What a clear did; `kept` are entries that a run uses, `problems` one sentence for each that could not go."""

    removed: tuple[Entry, ...] = ()
    kept: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(entry.size for entry in self.removed)


def entries(cache: Path) -> tuple[Entry, ...]:
    """Everything below a cache directory, oldest use first within a kind; a cache that is not there holds nothing. Raises OSError."""
    found: list[Entry] = []
    for folder, kind, names in _listed(cache):
        with _opened(folder) as directory:
            found += [entry for name in names if (entry := _entry(cache, folder, kind, name, directory))]
    return tuple(sorted(found, key=lambda entry: (KINDS.index(entry.kind), entry.used, entry.name)))


def clear(cache: Path, kinds: Collection[str], unused_since: float | None = None) -> Cleared:
    """Remove the entries of these kinds, with `unused_since` only those last used before that time. Raises OSError."""
    doomed = [entry for entry in entries(cache) if entry.kind in kinds and (unused_since is None or entry.used < unused_since)]
    removed: list[Entry] = []
    kept: list[Entry] = []
    problems: list[str] = []
    if not doomed:
        return Cleared()
    with live.scratch(cache / "live") as scratch, _opened(scratch) as bin_:
        for number, entry in enumerate(doomed):
            try:
                gone = _take(cache, entry, str(number), bin_)
            except OSError as problem:
                problems.append(f"{entry.folder / entry.name} cannot be removed: {problem.strerror}{_owner(entry)}")
            else:
                (removed if gone else kept).append(entry)
    return Cleared(tuple(removed), tuple(kept), tuple(problems))


def _listed(cache: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """Folder, kind and names of what is in it."""
    try:
        top = sorted(path.name for path in cache.iterdir())
    except FileNotFoundError:
        return
    rest = []
    for name in top:
        kind = _FOLDERS.get(name)
        if kind and stat.S_ISDIR((cache / name).lstat().st_mode):
            yield cache / name, kind, [path.name for path in (cache / name).iterdir()]
        elif name == "registry.json":
            yield cache, REGISTRY, [name]
        else:
            rest.append(name)
    yield cache, OTHER, rest


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    directory = os.open(folder, _DIRECTORY)
    try:
        yield directory
    finally:
        os.close(directory)


def _entry(cache: Path, folder: Path, kind: str, name: str, directory: int) -> Entry | None:
    try:
        top = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:  # removed meanwhile
        return None
    used, in_use = top.st_mtime, kind == LIVE
    if kind == SNAPSHOTS:
        used, in_use = _use_of_snapshot(snapshots.lock_of(cache, name), top)
    return Entry(kind, name, _size(name, top, directory), used, in_use, folder)


def _use_of_snapshot(lock: Path, top: os.stat_result) -> tuple[float, bool]:
    """When it was last used, and whether it is now; the times inside of a snapshot are the same on every machine."""
    try:
        used = lock.lstat().st_mtime
        with alone(lock) as unused:
            return used, not unused
    except OSError:  # none: out of an older version, or of a carried cache
        return top.st_ctime, False


def _size(name: str, top: os.stat_result, directory: int) -> int:
    """Bytes on disk of a file, link or folder, within its own file system."""
    if not stat.S_ISDIR(top.st_mode):
        return top.st_blocks * _BLOCK
    total = 0
    with suppress(OSError, RecursionError):  # removed meanwhile, not ours to read, or deeper than anything of ours
        for _, below, files, here in os.fwalk(name, dir_fd=directory, follow_symlinks=False):
            facts = os.fstat(here)
            if facts.st_dev != top.st_dev:
                below.clear()
                continue
            total += facts.st_blocks * _BLOCK
            for file in files:
                with suppress(OSError):
                    total += os.stat(file, dir_fd=here, follow_symlinks=False).st_blocks * _BLOCK
    return total


def _take(cache: Path, entry: Entry, doomed: str, bin_: int) -> bool:
    """Remove an entry by way of the name `doomed` of the folder `bin_`, unless a run uses it; whether it is gone. Raises OSError."""
    _check_depth(entry)
    if entry.kind == SNAPSHOTS:
        lock = snapshots.lock_of(cache, entry.name)
        with alone(lock) as unused:
            if not unused:
                return False
            _rename(entry, doomed, bin_)
            lock.unlink()
    else:
        _rename(entry, doomed, bin_)
    _erase(doomed, bin_)
    return True


def _check_depth(entry: Entry) -> None:
    """Raise OSError for what could not be taken apart once it was renamed, e.g. out of a carried cache that somebody else packed."""
    with _opened(entry.folder) as directory:
        try:
            for _ in os.fwalk(entry.name, dir_fd=directory, follow_symlinks=False):
                pass
        except RecursionError as problem:
            raise OSError(errno.ELOOP, "it is nested too deep") from problem
        except (FileNotFoundError, NotADirectoryError):  # gone, or a file
            pass


def _rename(entry: Entry, doomed: str, bin_: int) -> None:
    with _opened(entry.folder) as directory, suppress(FileNotFoundError):  # somebody else removed it
        owner = os.stat(entry.name, dir_fd=directory, follow_symlinks=False).st_uid
        if os.geteuid() not in (0, owner):  # a folder that anybody may write to can be renamed, and not emptied
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        os.rename(entry.name, doomed, src_dir_fd=directory, dst_dir_fd=bin_)


def _erase(name: str, directory: int) -> None:
    """Remove a file, a link itself, or a folder with all below it, read-only folders of ours included. Raises OSError."""
    try:
        top = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(top.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    _writable(name, top, directory)
    for _, below, files, here in os.fwalk(name, dir_fd=directory, follow_symlinks=False):
        for folder in below:
            facts = os.stat(folder, dir_fd=here, follow_symlinks=False)
            if stat.S_ISDIR(facts.st_mode):
                _writable(folder, facts, here)
        for file in files:
            os.unlink(file, dir_fd=here)
    _remove_folders(name, directory)


def _writable(name: str, facts: os.stat_result, directory: int) -> None:
    if facts.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(name, stat.S_IRWXU, dir_fd=directory)


def _remove_folders(name: str, directory: int) -> None:
    for _, below, _, here in os.fwalk(name, dir_fd=directory, topdown=False, follow_symlinks=False):
        for folder in below:
            if stat.S_ISLNK(os.stat(folder, dir_fd=here, follow_symlinks=False).st_mode):
                os.unlink(folder, dir_fd=here)
            else:
                os.rmdir(folder, dir_fd=here)
    os.rmdir(name, dir_fd=directory)


def _owner(entry: Entry) -> str:
    try:
        owner = (entry.folder / entry.name).lstat().st_uid
    except OSError:
        return ""
    return f" (it belongs to user {owner}, you are {os.geteuid()})" if owner != os.geteuid() else ""
