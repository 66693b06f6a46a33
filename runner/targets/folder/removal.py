"""Removes a folder that may hold anything: no link is followed, no depth is too deep, nothing outside of it is touched."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from runner.targets.folder.descent import FOLDER
from runner.targets.folder.mounts import mounted_inside

_IDLE = 20
"""Rounds in which nothing could be removed, since somebody goes on writing, before it is given up."""


def erase(path: Path) -> None:
    """Remove a file, a link itself, or a folder with all that is in it; nothing happens when it is not there.

    Raises OSError, also where something is mounted inside.
    """
    while os.path.lexists(path):
        with suppress(FileNotFoundError):  # somebody else removes it, too: what they have not had yet is left
            _erase(path)


def _erase(path: Path) -> None:
    if not stat.S_ISDIR(path.lstat().st_mode):
        path.unlink()
        return
    if mounted_inside(path):
        raise OSError(errno.EBUSY, "something is mounted inside", str(path))
    for idle in range(_IDLE + 1):
        with _opened(os.fsencode(path), None) as top:
            _empty(top)
            try:
                path.rmdir()
            except OSError as problem:  # whoever removes it, too, has moved something up
                if problem.errno != errno.ENOTEMPTY or idle == _IDLE:
                    raise
            else:
                return


def _empty(top: int) -> None:
    """Folders below are brought up to the top before they are emptied, so that none is ever reached by a long way."""
    prefix, number, idle, device = uuid4().hex, 0, 0, os.fstat(top).st_dev
    while folders := _without_files(top):
        for name in folders:
            with _opened(name, top) as below:
                if os.fstat(below).st_dev != device:
                    raise OSError(errno.EXDEV, "another file system is mounted inside", os.fsdecode(name))
                for deeper in _without_files(below):
                    number += 1
                    if os.geteuid():  # to be moved, a folder must allow to be written to
                        with _opened(deeper, below):
                            pass
                    os.rename(deeper, f"{prefix}-{number}", src_dir_fd=below, dst_dir_fd=top)
            try:
                os.rmdir(name, dir_fd=top)
                idle = 0
            except OSError as problem:  # somebody still writes into it
                idle += 1
                if problem.errno != errno.ENOTEMPTY or idle > _IDLE:
                    raise


def _without_files(folder: int) -> list[bytes]:
    """Remove all but folders from a folder; the names of those."""
    folders = []
    with os.scandir(folder) as entries:
        found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if is_folder:
            folders.append(name)
        else:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
    return folders


@contextmanager
def _opened(name: bytes, above: int | None) -> Iterator[int]:
    """A folder that we may write to; one of ours that forbids it is made to allow it."""
    try:
        folder = os.open(name, FOLDER, dir_fd=above)
    except PermissionError:
        _allow(name, above)
        folder = os.open(name, FOLDER, dir_fd=above)
    try:
        if os.geteuid() and os.fstat(folder).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(folder, stat.S_IRWXU)
        yield folder
    finally:
        os.close(folder)


def _allow(name: bytes, above: int | None) -> None:
    """Allow ourselves all of a folder of ours, and never of what a link in its place leads to."""
    place = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
    try:
        Path(f"/proc/self/fd/{place}").chmod(stat.S_IRWXU)
    finally:
        os.close(place)
