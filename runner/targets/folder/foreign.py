"""What is in a folder besides the managed files: what the service writes, by folder, and quickly looked through again."""

import errno
import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from runner.model.change import DEEPEST
from runner.model.text import printable, shown
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.managed import Sides

OURS: Final = b".seatrial-"
"""Names inside a live folder that begin so are our own, and go nowhere."""
_RECENT: Final = 100_000_000
"""Nanoseconds within which a folder may change twice and look the same: one tick of a file system's clock, and generously more."""
_HOT: Final = 10_000_000_000


class Mark(NamedTuple):
    """What stands at a name; two links to one file have the same."""

    kind: str
    """`d` for a folder, `l` for a symbolic link, `f` for anything else."""
    id: str
    """The inode; where a link leads to, in hexadecimal; nothing for folders."""


FOLDER: Final = Mark("d", "")
Remembered = dict[bytes, dict[bytes, Mark]]
"""Marks by folder and name."""


class Difference(NamedTuple):
    """A path that is not as it was."""

    path: bytes
    was: Mark | None
    now: Mark | None


class Unlinkable(Exception):
    """Something of the service's that cannot have a second name, so that it cannot be carried; the text says which and why."""


class _Listing(NamedTuple):
    number: int
    changed: int
    fresh: bool
    """It changed so recently that it may have changed again within the same tick."""
    marks: dict[bytes, Mark]
    folders: tuple[bytes, ...]


def mark_of(facts: os.stat_result, folder: int, name: bytes) -> Mark:
    """The mark of what was seen at a name of an open folder. Raises OSError."""
    if stat.S_ISDIR(facts.st_mode):
        return FOLDER
    if stat.S_ISLNK(facts.st_mode):
        return Mark("l", os.readlink(name, dir_fd=folder).hex())
    return Mark("f", str(facts.st_ino))


def mark_at(descent: Descent, path: bytes) -> Mark | None:
    """What stands at a path now; `None` for nothing. Raises OSError."""
    try:
        folder, name = descent.at(path)
        return mark_of(os.stat(name, dir_fd=folder, follow_symlinks=False), folder, name)
    except (Gone, FileNotFoundError, NotADirectoryError):
        return None


class Foreign:
    """The foreign entries of an open folder that holds the tree `sides.leaving`."""

    def __init__(self, descent: Descent, sides: Sides, ignored: Collection[bytes] = ()) -> None:
        """`ignored`: paths of our own making."""
        self._descent = descent
        self._files = sides.leaving.files
        self._folders = sides.leaving.folders
        self._coming = sides.coming.files
        self._ignored = frozenset(ignored)
        self._device = os.fstat(descent.top).st_dev
        self._listings: dict[bytes, _Listing] = {}
        self.blocking: set[bytes] = set()
        """Foreign things where the tree that comes has a file."""
        self.strays: set[bytes] = set()
        """Names of ours, left by somebody who died."""

    def scan(self) -> None:
        """Look through all of it. Raises OSError, Unlinkable, InfrastructureError."""
        self._descent.forget()
        self._listings = {}
        self.blocking, self.strays = set(), set()
        self._walk(b"")

    def marks(self) -> Remembered:
        """What was found."""
        return {folder: dict(listing.marks) for folder, listing in self._listings.items() if listing.marks}

    def differences(self, remembered: Mapping[bytes, Mapping[bytes, Mark]]) -> list[Difference]:
        """What was found against what is remembered."""
        return self._compared(remembered, {*self._listings, *remembered})

    def again(self, remembered: Mapping[bytes, Mapping[bytes, Mark]]) -> list[Difference]:
        """The same after a look at what changed since the last one; folders that change often come last, so that this is the freshest.

        Raises as `scan` does.
        """
        self._descent.forget()
        touched: set[bytes] = set()
        for folder in self._order():
            listing = self._listings.get(folder)
            if listing is not None and not self._still(folder, listing):
                self._relist(folder, listing, touched)
        return self._compared(remembered, touched)

    def _order(self) -> list[bytes]:
        lately = time.time_ns() - _HOT
        return sorted(self._listings, key=lambda folder: max(0, self._listings[folder].changed - lately))

    def _still(self, folder: bytes, listing: _Listing) -> bool:
        if listing.fresh:
            return False
        try:
            facts = os.stat(folder or b".", dir_fd=self._descent.top, follow_symlinks=False)
        except OSError:
            return False
        return (facts.st_ino, facts.st_mtime_ns) == (listing.number, listing.changed)

    def _relist(self, folder: bytes, before: _Listing, touched: set[bytes]) -> None:
        touched.add(folder)
        try:
            now = self._list(folder)
        except Gone:
            self._drop(folder, touched)
            return
        self._listings[folder] = now
        for name in set(before.folders) - set(now.folders):
            self._drop(_below(folder, name), touched)
        for name in set(now.folders) - set(before.folders):
            touched.update(self._walk(_below(folder, name)))

    def _drop(self, folder: bytes, touched: set[bytes]) -> None:
        lost = [one for one in self._listings if one == folder or one.startswith(folder + b"/")]
        touched.update(lost)
        for one in lost:
            del self._listings[one]

    def _walk(self, start: bytes) -> set[bytes]:
        """List a folder and all below it; which they were."""
        waiting, walked = [start], set()
        while waiting:
            folder = waiting.pop()
            try:
                listing = self._list(folder)
            except Gone:
                continue
            self._listings[folder] = listing
            walked.add(folder)
            waiting += [_below(folder, name) for name in reversed(listing.folders)]
        return walked

    def _list(self, folder: bytes) -> _Listing:
        if folder.count(b"/") >= DEEPEST:
            raise Unlinkable(f"'{printable(shown(folder[:200]))}…' lies deeper than {DEEPEST} folders")
        try:
            opened = self._descent.folder(folder)
        except PermissionError as problem:
            raise Unlinkable(f"'{printable(shown(folder))}' cannot be read") from problem
        now = time.time_ns()
        facts = os.fstat(opened)
        if facts.st_dev != self._device:
            raise Unlinkable(f"'{printable(shown(folder))}' is on another file system")
        marks: dict[bytes, Mark] = {}
        folders: list[bytes] = []
        prefix = folder + b"/" if folder else b""
        with os.scandir(opened) as entries:
            for entry in entries:
                name = os.fsencode(entry.name)
                path = prefix + name
                if path in self._files and not entry.is_dir(follow_symlinks=False):
                    continue
                self._note(entry, path, marks, folders)
        return _Listing(facts.st_ino, facts.st_mtime_ns, facts.st_mtime_ns > now - _RECENT, marks, tuple(folders))

    def _note(self, entry: os.DirEntry[str], path: bytes, marks: dict[bytes, Mark], folders: list[bytes]) -> None:
        name = os.fsencode(entry.name)
        if name.startswith(OURS):
            self.strays.add(path)
            return
        if path in self._ignored:
            return
        if entry.is_dir(follow_symlinks=False):
            folders.append(name)
            if path not in self._folders:
                marks[name] = FOLDER
            return
        if path in self._coming:
            self.blocking.add(path)
            return
        try:
            marks[name] = self._mark(entry, path)
        except OSError as problem:  # it vanished
            if problem.errno not in (errno.ENOENT, errno.EINVAL):
                raise

    def _mark(self, entry: os.DirEntry[str], path: bytes) -> Mark:
        if entry.is_symlink():
            folder, name = self._descent.at(path)
            return Mark("l", os.readlink(name, dir_fd=folder).hex())
        return Mark("f", str(entry.stat(follow_symlinks=False).st_ino))

    def _compared(self, remembered: Mapping[bytes, Mapping[bytes, Mark]], folders: Iterable[bytes]) -> list[Difference]:
        """What vanished, deepest first, and then what is new, folders before what is in them."""
        found = list(self._pairs(remembered, folders))
        gone = sorted((one for one in found if one.now is None), key=lambda one: one.path, reverse=True)
        return gone + sorted((one for one in found if one.now is not None), key=lambda one: one.path)

    def _pairs(self, remembered: Mapping[bytes, Mapping[bytes, Mark]], folders: Iterable[bytes]) -> Iterator[Difference]:
        nothing: dict[bytes, Mark] = {}
        for folder in folders:
            was = remembered.get(folder, nothing)
            listing = self._listings.get(folder)
            now = listing.marks if listing else nothing
            if was == now:
                continue
            for name in was.keys() | now.keys():
                one, other = was.get(name), now.get(name)
                if one != other:
                    yield Difference(_below(folder, name), one, other)


def _below(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def remember(remembered: Remembered, path: bytes, mark: Mark | None) -> None:
    """Note what stands at a path; `None` for nothing."""
    folder, _, name = path.rpartition(b"/")
    if mark is not None:
        remembered.setdefault(folder, {})[name] = mark
    elif folder in remembered:
        remembered[folder].pop(name, None)


def flat(remembered: Remembered) -> Iterator[tuple[bytes, Mark]]:
    """Paths with their marks."""
    for folder, names in remembered.items():
        for name, mark in names.items():
            yield _below(folder, name), mark
