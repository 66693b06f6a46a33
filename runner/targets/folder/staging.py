"""Lays a folder that holds one tree beside a live one that holds another: what they share by a second name, the rest written."""

import errno
import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from runner.crashpoints import crashpoint
from runner.durable import sync_folder
from runner.errors import TargetMoved
from runner.model.text import printable, shown
from runner.ports import TreeEntry, Trees
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.likeness import file_like, folder_like, owned
from runner.targets.folder.managed import EXECUTABLE, LINK, Found, Sides, content, seen_of

_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_SECOND_NAME: Final = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EACCES)


class Order(NamedTuple):
    """What is to be laid."""

    live: Path
    staged: Path
    sides: Sides
    found: dict[bytes, Found]
    """What was read of the live folder; brought up to date, since a second name changes the time of a file's status."""
    trees: Trees


def lay(order: Order) -> None:
    """Lay the folder `staged` and sync it. Raises TargetMoved when a file that was read has changed since, and OSError."""
    order.staged.mkdir(mode=stat.S_IRWXU)
    with Descent(order.live) as live, Descent(order.staged) as staged:
        layer = _Layer(order, live, staged)
        written = [entry for entry in order.sides.coming.files.values() if not layer.share(entry)]
        crashpoint("folder.staged.half")
        for entry in written:
            layer.write(entry)
        crashpoint("folder.staged.files")
        layer.finish(written)
    sync_folder(order.staged.parent)
    crashpoint("folder.staged.synced")


def put(folder: int, name: bytes, data: bytes, *, executable: bool, model: int | None, owner: tuple[int, int]) -> None:
    """Write a new file into an open folder: like the open file `model`, or as a new one of `owner`'s. Not synced. Raises OSError."""
    file = os.open(name, _NEW, 0o755 if executable else 0o644, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        if model is None:
            owned(file, *owner)
        else:
            file_like(model, file, executable=executable)
    finally:
        os.close(file)


def owner_near(live: Descent, folder: bytes) -> tuple[int, int]:
    """Whose a folder is, or the nearest one above it that is there. Raises OSError."""
    while True:
        try:
            facts = os.fstat(live.folder(folder))
        except Gone:
            folder = folder.rpartition(b"/")[0]
        else:
            return facts.st_uid, facts.st_gid


def opened_file(descent: Descent, path: bytes) -> int | None:
    """A regular file, opened for reading; `None` when there is none. Raises OSError."""
    try:
        folder, name = descent.at(path)
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        return os.open(name, _READ, dir_fd=folder)
    except (Gone, FileNotFoundError):
        return None


class _Layer:
    """The folder while it is laid."""

    def __init__(self, order: Order, live: Descent, staged: Descent) -> None:
        self._order = order
        self._live = live
        self._staged = staged
        self._made = {b""}

    def share(self, entry: TreeEntry) -> bool:
        """Whether the live folder has this very file: it got a second name, or a copy where that cannot be."""
        if self._order.sides.leaving.files.get(entry.path) != entry:
            return False
        above, name = self._folder(entry.path.rpartition(b"/")[0]), entry.path.rpartition(b"/")[2]
        try:
            folder, _ = self._live.at(entry.path)
            os.link(name, name, src_dir_fd=folder, dst_dir_fd=above, follow_symlinks=False)
            now = seen_of(os.stat(name, dir_fd=folder, follow_symlinks=False))
        except (Gone, FileNotFoundError) as problem:
            raise _moved(entry.path) from problem
        except OSError as problem:
            if problem.errno not in _NO_SECOND_NAME:
                raise
            self._copy(entry, above, name)
            return True
        before = self._order.found[entry.path]
        if (now.number, now.size, now.mode, now.changed) != (before.seen.number, before.seen.size, before.seen.mode, before.seen.changed):
            raise _moved(entry.path)
        self._order.found[entry.path] = before._replace(seen=now)
        return True

    def write(self, entry: TreeEntry) -> None:
        """Write a file or link as the tree has it, one in memory at a time."""
        above, name = self._folder(entry.path.rpartition(b"/")[0]), entry.path.rpartition(b"/")[2]
        self._put(entry, above, name, self._order.trees.blobs((entry.blob,))[entry.blob])

    def finish(self, files: list[TreeEntry]) -> None:
        """Sync what was written, and each folder once it is like the live one."""
        for entry in files:
            if entry.mode != LINK and (file := opened_file(self._staged, entry.path)) is not None:
                try:
                    os.fsync(file)
                finally:
                    os.close(file)
        for path in sorted(self._made, reverse=True):  # a folder may forbid to be written to: not before it is full
            made = self._staged.folder(path)
            try:
                folder_like(self._live.folder(path), made)
            except Gone:
                owned(made, *owner_near(self._live, path))
            os.fsync(made)

    def _copy(self, entry: TreeEntry, above: int, name: bytes) -> None:
        try:
            data = content(self._order.live, entry)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ESTALE):
                raise _moved(entry.path) from problem
            raise
        self._put(entry, above, name, data)
        file = opened_file(self._staged, entry.path)
        if file is not None:
            os.fsync(file)
            os.close(file)

    def _put(self, entry: TreeEntry, above: int, name: bytes, data: bytes) -> None:
        owner = owner_near(self._live, entry.path.rpartition(b"/")[0])
        if entry.mode == LINK:
            os.symlink(data, name, dir_fd=above)
            if not os.geteuid():
                os.chown(name, *owner, dir_fd=above, follow_symlinks=False)
            return
        model = opened_file(self._live, entry.path)
        try:
            put(above, name, data, executable=entry.mode == EXECUTABLE, model=model, owner=owner)
        finally:
            if model is not None:
                os.close(model)

    def _folder(self, path: bytes) -> int:
        if path not in self._made:
            above, name = self._folder(path.rpartition(b"/")[0]), path.rpartition(b"/")[2]
            os.mkdir(name, 0o755, dir_fd=above)
            self._made.add(path)
        return self._staged.folder(path)


def _moved(path: bytes) -> TargetMoved:
    return TargetMoved(f"'{printable(shown(path))}' was changed while the new folder was laid beside the live one.")
