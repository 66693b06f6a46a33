"""Base trees as read-only directories of the cache, each written once from git's blobs and shared by all runs over it."""

import errno
import itertools
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from runner.errors import InfrastructureError, UsageError
from runner.ports import TreeEntry, Trees
from runner.sandbox.file_lock import share
from runner.sandbox.treewriter import GITLINK, Owner, TreeWriter, UnsafePath

MODIFIED = 946_684_800
"""The modification time of every file of a snapshot: 2000-01-01, the same on every machine."""
FOLDER = "snapshots"
_FORM = 2
"""Raised when the same tree is written in another way: modes, times."""
_MANY = 5_000
_BATCH = 256


def lock_of(cache: Path, name: str) -> Path:
    """The lock of a snapshot: shared by those who use it, its time is that of the last use; whoever removes it must hold it alone."""
    return cache / "locks" / f"snapshot-{name}.lock"


class Snapshots:
    """The snapshots of one cache directory; safe for several threads and processes.

    Each that was asked for stays locked against removal until `close`, or until this process dies.
    """

    def __init__(self, cache: Path, owner: Owner, note: Callable[[str], None]) -> None:
        self._cache = cache
        self._home = cache / FOLDER
        self._owner = owner
        self._note = note
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)
        self._guard = Lock()
        self._held: dict[str, int] = {}

    def ensure(self, tree: str, trees: Trees, scratch: Path) -> Path:
        """The directory that holds `tree`, written below `scratch` first when it is not there yet.

        `scratch` is a private directory of the same file system, e.g. that of the run, so that a killed writer leaves its
        half-done work where the sweep finds it. Raises UsageError for a tree with unsafe names, InfrastructureError.
        """
        with self._guard:
            lock = self._locks[tree]
        with lock, disk_errors("write the snapshot of the base tree"):
            place = self._home / f"{tree}-{self._owner.uid}-{_FORM}"
            if tree not in self._held:
                self._held[tree] = share(lock_of(self._cache, place.name))
            if self._usable(place):
                return place
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = scratch / "snapshot"
            self._write(fresh, tree, trees)
            return self._publish(fresh, place)

    def close(self) -> None:
        """Let go of every snapshot; call it when everything that uses them is gone."""
        while self._held:
            os.close(self._held.popitem()[1])

    def _usable(self, place: Path) -> bool:
        try:
            return place.stat().st_uid == self._owner.uid
        except FileNotFoundError:
            return False

    def _write(self, fresh: Path, tree: str, trees: Trees) -> None:
        try:
            with TreeWriter(fresh, self._owner, MODIFIED) as writer:
                for entry, content in contents(self._told(trees.entries(tree)), trees):
                    writer.entry(entry.mode, entry.path, content)
        except (UnsafePath, FileExistsError, NotADirectoryError) as problem:
            raise UsageError(
                f"The base tree holds a path that cannot be written safely: {problem}.",
                hint="Names such as '..', '.git' or two entries of one name do not come from git itself.",
            ) from problem
        except OSError as problem:
            if problem.errno not in (errno.ELOOP, errno.ENAMETOOLONG):
                raise
            raise UsageError(f"The base tree holds a path that cannot be written: {problem}.") from problem

    def _told(self, entries: Iterable[TreeEntry]) -> Iterator[TreeEntry]:
        for count, entry in enumerate(entries, 1):
            if count == _MANY:
                self._note(f"More than {_MANY} files: writing the base tree's snapshot, once per base.")
            yield entry

    def _publish(self, fresh: Path, place: Path) -> Path:
        try:
            fresh.rename(place)
        except OSError:
            if not self._usable(place):  # of another owner, e.g. out of a carried cache
                shutil.rmtree(place)
                fresh.rename(place)
            else:  # another process was quicker
                shutil.rmtree(fresh, ignore_errors=True)
        return place


def contents(entries: Iterable[TreeEntry], trees: Trees) -> Iterator[tuple[TreeEntry, bytes]]:
    """Entries with their contents, some hundred at a time; nothing for gitlinks."""
    remaining = iter(entries)
    while batch := list(itertools.islice(remaining, _BATCH)):
        blobs = trees.blobs(dict.fromkeys(entry.blob for entry in batch if entry.mode != GITLINK))
        for entry in batch:
            yield entry, b"" if entry.mode == GITLINK else blobs[entry.blob]


@contextmanager
def disk_errors(task: str) -> Iterator[None]:
    """Turn an OSError of this host's disk into InfrastructureError."""
    try:
        yield
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "Free some space, or set another cache directory." if full else "Is the cache directory writable and on a local disk?"
        raise InfrastructureError(f"Cannot {task}: {problem}.", hint=hint) from problem
