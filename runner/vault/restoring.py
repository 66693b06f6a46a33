"""A backup laid out as a folder again: staged beside its place, synced, and put there in one step."""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from runner.crashpoints import crashpoint
from runner.durable import sync_folder
from runner.errors import UsageError
from runner.model.text import shown
from runner.vault.manifest import Entry
from runner.vault.syncing import Batch

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_USUAL: Final = 0o755
"""The mode of a folder that the backup says nothing of."""
_CANNOT: Final = frozenset((errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.E2BIG, errno.ENOSPC, errno.ERANGE))
"""What a file system says that has no such attributes, or no room for them."""


class Restored(NamedTuple):
    """What was restored."""

    files: int
    size: int
    lost: tuple[str, ...]
    """What this place or this user cannot give back, one sentence each."""
    unrecorded: str = ""
    """Why the record does not say so."""


def place_of(destination: Path) -> Path:
    """The folder that `destination` means. Raises UsageError unless it is absent or empty."""
    try:
        place = destination.parent.resolve(strict=True) / destination.name if destination.name not in ("", "..") else destination.resolve()
        if not os.path.lexists(place):
            return place
        if place.is_symlink() or not place.is_dir():
            raise UsageError(f"{destination} is there, and is no folder", hint="Name a folder that does not exist yet, or is empty.")
        if any(place.iterdir()):
            raise UsageError(f"the folder {destination} is not empty", hint="Name a folder that does not exist yet, or is empty.")
        if place.is_mount():
            raise UsageError(f"{destination} is a mount point", hint="Name a folder below it.")
    except FileNotFoundError as problem:
        raise UsageError(f"there is no folder {destination.parent} to restore into") from problem
    except OSError as problem:
        raise UsageError(f"{destination} cannot be used: {problem.strerror}") from problem
    return place


def staging_of(place: Path, writer: str) -> Path:
    """Where the writer of this name lays it out first."""
    return place.with_name(f".seatrial-{writer}")


def remove(staged: Path) -> None:
    """Remove what was laid out, also folders that their owner may not write to. Follows no link; what cannot be removed stays."""
    for folder, below, _ in os.walk(staged):
        for name in below:
            path = Path(folder, name)
            with suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(staged, ignore_errors=True)


class Laying:
    """Lays entries out below the new folder `staged`; `read` gives the content of an object, and `told` is called with how many are done."""

    def __init__(self, staged: Path, disk: Batch, read: Callable[[str], bytes], told: Callable[[int, int], None], *, as_root: bool) -> None:
        self._staged, self._disk, self._read, self._told, self._as_root = staged, disk, read, told, as_root
        self._each = True
        """Whether each file is synced by itself."""
        self._lost: dict[str, str] = {}

    def lay(self, entries: Sequence[Entry]) -> Restored:
        """All of it, synced. The entries are those of a manifest: none leads out, and each folder comes before what is in it."""
        folders: dict[Path, Entry | None] = {self._staged: None}
        self._each = not self._disk.at_once(len(entries))
        for number, entry in enumerate(entries):
            path = self._path(entry.path)
            self._make_above(path, folders)
            if entry.kind == "folder":
                self._make_folder(path, entry, folders)
            elif entry.kind == "link":
                self._make_link(path, entry)
            else:
                self._make_file(path, entry)
            self._told(number + 1, len(entries))
        for path, given in reversed(folders.items()):  # what is in a folder first, since its mode may forbid to write there
            self._finish_folder(path, given)
        if not self._each:
            self._disk.sync_all()
        files = [entry for entry in entries if entry.kind == "file"]
        return Restored(len(files), sum(entry.size for entry in files), tuple(self._lost.values()))

    def _path(self, path: bytes) -> Path:
        return self._staged / os.fsdecode(path)

    def _make_above(self, path: Path, folders: dict[Path, Entry | None]) -> None:
        """The folders that the backup says nothing of."""
        missing = []
        above = path.parent
        while path != self._staged and above not in folders:
            missing.append(above)
            above = above.parent
        for folder in reversed(missing):
            folder.mkdir(mode=0o700)
            folders[folder] = None

    def _make_folder(self, path: Path, entry: Entry, folders: dict[Path, Entry | None]) -> None:
        if path != self._staged:
            path.mkdir(mode=0o700)
        folders[path] = entry

    def _make_link(self, path: Path, entry: Entry) -> None:
        leads_to = self._read(entry.sha256)
        if not leads_to or b"\0" in leads_to:
            raise OSError(errno.EINVAL, f"the link '{shown(entry.path)}' leads to what is no path")
        path.symlink_to(os.fsdecode(leads_to))
        if entry.owner and self._as_root:
            os.chown(path, *entry.owner, follow_symlinks=False)
        self._set_attributes(path, entry)

    def _make_file(self, path: Path, entry: Entry) -> None:
        opened = os.open(path, _FLAGS, 0o600)
        try:
            rest = memoryview(self._read(entry.sha256))
            while rest:
                rest = rest[os.write(opened, rest) :]
            if entry.owner and self._as_root:
                os.fchown(opened, *entry.owner)
            self._set_attributes(opened, entry)
            os.fchmod(opened, entry.mode)
            if self._each:
                os.fsync(opened)
        finally:
            os.close(opened)

    def _finish_folder(self, path: Path, entry: Entry | None) -> None:
        opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)  # now: its mode may forbid it
        try:
            if entry is not None and entry.owner and self._as_root:
                os.fchown(opened, *entry.owner)
            if entry is not None:
                self._set_attributes(opened, entry)
            os.fchmod(opened, _USUAL if entry is None else entry.mode)
            if self._each:
                os.fsync(opened)
        finally:
            os.close(opened)

    def _set_attributes(self, where: Path | int, entry: Entry) -> None:
        """Before the mode, which may forbid it; after the owner, which takes some away."""
        for name, value in entry.attributes:
            try:
                if isinstance(where, int):
                    os.setxattr(where, name, value)
                else:
                    os.setxattr(where, name, value, follow_symlinks=False)
            except OSError as problem:
                if problem.errno not in _CANNOT:
                    raise
                self._lost.setdefault(name, f"the attribute {name} of '{shown(entry.path)}' cannot be had here: {problem.strerror}")


def put(staged: Path, place: Path) -> None:
    """The atomic step: the folder takes its place, if that is still absent or empty. Raises OSError."""
    crashpoint("vault.restore.staged")
    staged.replace(place)
    crashpoint("vault.restore.swapped")
    sync_folder(place.parent)


def owners_lost(entries: Iterable[Entry]) -> tuple[str, ...]:
    """What to say when who restores cannot give files to others."""
    others = {entry.owner for entry in entries if entry.owner is not None} - {(os.geteuid(), os.getegid())}
    return ("the owners of files are not restored: only root can give files to others",) if others else ()
