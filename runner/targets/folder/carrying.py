"""Makes a second name in one folder for what the service has in the other: one entry at a time, never over somebody else's work."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from runner.durable import exchange
from runner.errors import TargetMoved
from runner.model.text import printable, shown
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.foreign import FOLDER, OURS, Difference, Mark, Unlinkable, mark_at
from runner.targets.folder.likeness import folder_like
from runner.targets.folder.managed import Managed

_NO_SECOND_NAME: Final = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EACCES)
_LONGEST: Final = 200


class Way(NamedTuple):
    """From which folder to which, and what must be left alone there."""

    source: Descent
    into: Descent
    fixed: Managed
    """The tree that `into` holds."""
    run: str
    own: Callable[[], None]
    """Asked before each entry is touched; raises Fenced."""


class _Occupied(Exception):
    """Something else stands there, and stays."""


class Carrier:
    """Brings entries from `source` into `into`; `live` tells whether the service works in `into`, or nobody does.

    Where nobody does, the source is right: what else stands there is set aside under another name. Where the service does, what it
    made there is right, and the source's is brought beside it under another name. Either way nothing is lost.
    """

    def __init__(self, way: Way, *, live: bool) -> None:
        self._way = way
        self._live = live
        self._number = 0
        self.dirty: set[bytes] = set()
        """Folders of `into` with names that are not synced yet."""

    def bring(self, change: Difference) -> Mark | None:
        """Make `into` follow one change of the source; what stands there now.

        Raises TargetMoved when it cannot be because of the tree, Unlinkable, Fenced, OSError.
        """
        self._way.own()
        there = mark_at(self._way.into, change.path)
        if there == change.now or change.path in self._way.fixed.folders:
            return self._unless_blocked(change, there)
        if change.path in self._way.fixed.files:
            return self._blocked(change)
        try:
            return self._put(change, there) if change.now is not None else self._remove(change, there)
        except _Occupied:
            return self._blocked(change)
        except Gone:  # what it is in has vanished from the source
            return mark_at(self._way.into, change.path)

    def bring_beside(self, change: Difference) -> None:
        """Bring the source's file under another name, next to what stands there. Raises OSError."""
        if change.now is None or change.now.kind != "f":
            return
        with suppress(Gone, _Occupied):
            folder, _, name = change.path.rpartition(b"/")
            self._link(change, self._folder(folder), self._other(name))
            self._touched(change.path)

    def _unless_blocked(self, change: Difference, there: Mark | None) -> Mark | None:
        if change.path in self._way.fixed.folders and change.now not in (None, FOLDER):
            return self._blocked(change)
        return there

    def _put(self, change: Difference, there: Mark | None) -> Mark | None:
        above = self._folder(change.path.rpartition(b"/")[0])
        name = change.path.rpartition(b"/")[2]
        if there not in (None, change.was):
            self._conflict(change, above, name)
            if self._live:
                return mark_at(self._way.into, change.path)
            there = None
        if there is None and self._live and change.was is not None:  # the service took it away here, and changed it there
            self.bring_beside(change)
            return None
        if there == FOLDER:
            self._without_folder(above, name)
            there = None
        if change.now == FOLDER:
            self._folder(change.path, instead=there)
        elif there is None:
            self._link(change, above, name)
        else:
            self._replace(change, above, name)
        self._touched(change.path)
        return mark_at(self._way.into, change.path)

    def _link(self, change: Difference, above: int, name: bytes) -> None:
        """A second name, or for a link another one like it; nothing when it vanished meanwhile."""
        folder, source = self._way.source.at(change.path)
        try:
            os.link(source, name, src_dir_fd=folder, dst_dir_fd=above, follow_symlinks=False)
        except FileNotFoundError:
            return
        except FileExistsError as problem:
            raise _Occupied from problem
        except OSError as problem:
            if problem.errno not in _NO_SECOND_NAME:
                raise
            if change.now is None or change.now.kind != "l":
                what = f"'{printable(shown(change.path))}' cannot have a second name ({problem.strerror})"
                raise Unlinkable(what) from problem
            os.symlink(bytes.fromhex(change.now.id), name, dir_fd=above)

    def _replace(self, change: Difference, above: int, name: bytes) -> None:
        """Over what stands there; where the service may write at the same moment, only if that is still the same."""
        beside = self._beside()
        self._link(change, above, beside)
        ours = _mark(above, beside)
        try:
            if self._live and _swapped(above, beside, name):
                _put_back_newer(change.was, ours, (above, beside, name))
            else:
                with suppress(FileNotFoundError):
                    os.rename(beside, name, src_dir_fd=above, dst_dir_fd=above)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(beside, dir_fd=above)

    def _remove(self, change: Difference, there: Mark | None) -> Mark | None:
        try:
            above, name = self._way.into.at(change.path)
        except Gone:
            return None
        if there == FOLDER:
            with suppress(OSError):  # something else is in it
                os.rmdir(name, dir_fd=above)
        elif there != change.was:
            if not self._live and there is not None:
                self._conflict(change, above, name)
        elif self._live:
            self._take_away(change, above, name)
        else:
            os.unlink(name, dir_fd=above)
        self._touched(change.path)
        self._prune(change.path.rpartition(b"/")[0])
        return mark_at(self._way.into, change.path)

    def _take_away(self, change: Difference, above: int, name: bytes) -> None:
        beside = self._beside()
        with suppress(FileNotFoundError):
            os.rename(name, beside, src_dir_fd=above, dst_dir_fd=above)
            if _mark(above, beside) != change.was:  # the service put something new there at this very moment
                with suppress(FileExistsError):
                    os.link(beside, name, src_dir_fd=above, dst_dir_fd=above, follow_symlinks=False)
            os.unlink(beside, dir_fd=above)

    def _prune(self, folder: bytes) -> None:
        """Folders that were made for what vanished again, and that neither tree nor service has."""
        while folder not in self._way.fixed.folders and mark_at(self._way.source, folder) is None:
            try:
                above, name = self._way.into.at(folder)
                os.rmdir(name, dir_fd=above)
            except (Gone, OSError):
                return
            self._touched(folder)
            folder = folder.rpartition(b"/")[0]

    def _folder(self, path: bytes, *, instead: Mark | None = None) -> int:
        """A folder of `into`, made like the source's when it is not there; `instead` of what may stand there."""
        try:
            return self._way.into.folder(path)
        except Gone:
            pass
        above, name = self._folder(path.rpartition(b"/")[0]), path.rpartition(b"/")[2]
        if instead is not None:
            os.unlink(name, dir_fd=above)
        try:
            os.mkdir(name, stat.S_IRWXU, dir_fd=above)
        except FileExistsError as problem:
            raise _Occupied from problem
        made = self._way.into.folder(path)
        folder_like(self._way.source.folder(path), made)
        self._touched(path)
        self.dirty.add(path)
        return made

    def _without_folder(self, above: int, name: bytes) -> None:
        """A file takes the place of a folder; whatever is left in that is set aside where nobody works, and stays where somebody does."""
        try:
            os.rmdir(name, dir_fd=above)
        except OSError as problem:
            if self._live:
                raise _Occupied from problem
            os.rename(name, self._other(name), src_dir_fd=above, dst_dir_fd=above)

    def _conflict(self, change: Difference, above: int, name: bytes) -> None:
        """Both sides have something of their own at this path: keep the one that loses under another name."""
        if self._live:
            self.bring_beside(change)
        else:
            with suppress(FileNotFoundError, FileExistsError):
                os.rename(name, self._other(name), src_dir_fd=above, dst_dir_fd=above)

    def _blocked(self, change: Difference) -> Mark | None:
        if not self._live:
            raise TargetMoved(
                f"'{printable(shown(change.path))}' belongs to the service, and stands where the change puts something else.",
                hint="Move it away, or keep it by `promote.keep`.",
            )
        self.bring_beside(change)
        return change.was

    def _touched(self, path: bytes) -> None:
        self.dirty.add(path.rpartition(b"/")[0])

    def _beside(self) -> bytes:
        self._number += 1
        return OURS + os.fsencode(self._way.run) + b"-%d.%d" % (os.getpid(), self._number)

    def _other(self, name: bytes) -> bytes:
        return name[:_LONGEST] + OURS + os.fsencode(self._way.run)


def _mark(folder: int, name: bytes) -> Mark | None:
    try:
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(facts.st_mode):
            return Mark("l", os.readlink(name, dir_fd=folder).hex())
    except FileNotFoundError:
        return None
    return FOLDER if stat.S_ISDIR(facts.st_mode) else Mark("f", str(facts.st_ino))


def _put_back_newer(expected: Mark | None, ours: Mark | None, names: tuple[int, bytes, bytes]) -> None:
    """What came out must be what we meant to replace. If it is newer, put it back, and so on until what comes out is what we put in."""
    folder, beside, name = names
    while (out := _mark(folder, beside)) not in (expected, None):
        if not _swapped(folder, beside, name):
            return
        expected, ours = ours, out


def _swapped(folder: int, one: bytes, other: bytes) -> bool:
    """Whether two names of a folder changed places; not where one is absent or the file system cannot."""
    here = Path(f"/proc/self/fd/{folder}")
    try:
        exchange(here / os.fsdecode(one), here / os.fsdecode(other))
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.EINVAL, errno.ENOSYS, errno.ENOTDIR):
            return False
        raise
    return True
