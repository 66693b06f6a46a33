"""Writes the entries of a git tree into a directory of this host without ever following what the tree itself holds."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from runner.model.change import DEEPEST

LINK, GITLINK, EXECUTABLE = "120000", "160000", "100755"
_LONGEST = 3800
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafePath(Exception):
    """A name in a tree that no honest tree holds; the text names it in ASCII."""


FOLDER_MODE = 0o1777
"""Whoever runs a suite may make files beside those of the tree, and removes none of them, where it does not own them."""


class Owner(NamedTuple):
    """Who owns what is written; the same on the host and inside."""

    uid: int
    gid: int


def owner_for(uid: int, gid: int) -> Owner:
    """Root hands everything to an unprivileged id; anyone else stays who they are."""
    return Owner(10001, 10001) if uid == 0 else Owner(uid, gid)


def stranger_to(owner: Owner) -> Owner:
    """Who runs a suite that must not change what it was given: owns nothing of it."""
    return Owner(10002, 10002) if owner.uid != 10002 else Owner(10003, 10003)  # noqa: PLR2004


def components(path: bytes) -> list[bytes]:
    """The parts of a tree path; raises UnsafePath for a name that could lead elsewhere."""
    parts = path.split(b"/")
    bad = any(part in (b"", b".", b"..") or part.lower() == b".git" or len(part) > 255 for part in parts)  # noqa: PLR2004
    if bad or b"\0" in path or len(parts) > DEEPEST or len(path) > _LONGEST:
        raise UnsafePath(ascii(os.fsdecode(path))[:300])
    return parts


class TreeWriter:
    """Writes below one new directory; every step is relative to an open directory and refuses symbolic links.

    Names may come in any order, quickest in tree order. All methods raise OSError and UnsafePath.
    """

    def __init__(self, root: Path, owner: Owner, time: int) -> None:
        self._owner = owner if os.getuid() == 0 else None
        self._times = (time * 10**9, time * 10**9)
        root.mkdir(mode=0o755, exist_ok=True)
        self._open: list[tuple[bytes, int]] = [(b"", os.open(root, _DIRECTORY))]
        self._finish(self._open[0][1], FOLDER_MODE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._climb(0)

    def entry(self, mode: str, path: bytes, content: bytes) -> None:
        """Write one tree entry: a file, a symlink whose target is `content`, or an empty directory for a gitlink."""
        *parents, name = components(path)
        directory = self._descend(parents)
        if mode == LINK:
            os.symlink(content, name, dir_fd=directory)
            if self._owner:
                os.chown(name, *self._owner, dir_fd=directory, follow_symlinks=False)
            os.utime(name, ns=self._times, dir_fd=directory, follow_symlinks=False)
        elif mode == GITLINK:
            self._descend([*parents, name])
        else:
            self._file(directory, name, content, 0o755 if mode == EXECUTABLE else 0o644)

    def whiteout(self, path: bytes) -> None:
        """Hide a path of the layer below: the mark of overlay file systems, a character device 0:0."""
        *parents, name = components(path)
        os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=self._descend(parents))

    def _file(self, directory: int, name: bytes, content: bytes, mode: int) -> None:
        file = os.open(name, _NEW_FILE, mode, dir_fd=directory)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(file, view) :]
            self._finish(file, mode)
        finally:
            os.close(file)

    def _finish(self, file: int, mode: int) -> None:
        if self._owner:
            os.fchown(file, *self._owner)
        os.fchmod(file, mode)
        os.utime(file, ns=self._times)

    def _descend(self, parents: Sequence[bytes]) -> int:
        shared = 0
        for (name, _), wanted in zip(self._open[1:], parents, strict=False):
            if name != wanted:
                break
            shared += 1
        self._climb(shared + 1)
        for name in parents[shared:]:
            self._enter(name)
        return self._open[-1][1]

    def _enter(self, name: bytes) -> None:
        above = self._open[-1][1]
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=above)
        directory = os.open(name, _DIRECTORY, dir_fd=above)
        self._open.append((name, directory))
        self._finish(directory, FOLDER_MODE)

    def _climb(self, keep: int) -> None:
        while len(self._open) > keep:
            _, directory = self._open.pop()
            try:
                os.utime(directory, ns=self._times)
            finally:
                os.close(directory)
