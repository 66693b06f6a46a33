"""Reads files of a directory on disk that somebody else may write to: no link is followed, no pipe is waited for."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from runner.errors import InfrastructureError, UsageError
from runner.model.change import DEEPEST
from runner.model.text import printable, shown

FILE = "100644"
EXECUTABLE = "100755"
LINK = "120000"
_PIECE = 2**20
_ATTEMPTS = 3
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Content(NamedTuple):
    """A file or link as git would record it: mode, and the bytes as they stand on disk."""

    mode: str
    data: bytes


class Folder:
    """A directory, read below its top by names with `/` between the components; use it in a `with`."""

    def __init__(self, top: Path) -> None:
        """Raises UsageError when the directory cannot be opened."""
        try:
            self._chain: list[tuple[bytes, int]] = [(b"", os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))]
        except OSError as problem:
            raise UsageError(f"'{printable(str(top))}' cannot be read: {problem.strerror}") from problem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        while self._chain:
            os.close(self._chain.pop()[1])

    def look(self, name: bytes) -> os.stat_result | None:
        """What is at a name, links not followed; `None` when nothing is, or what leads to it is no directory."""
        found = self._parent(name)
        try:
            return os.stat(found[1], dir_fd=found[0], follow_symlinks=False) if found else None
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, name: bytes) -> Content | None:
        """A file or link, whole and as it was at one moment; `None` when there is no such thing any more.

        Raises UsageError when it may not be read, InfrastructureError when it does not keep still.
        """
        with contextlib.suppress(_Gone):
            for _ in range(_ATTEMPTS):
                found = self._try(name)
                if found:
                    return found
            raise InfrastructureError(f"'{_said(name)}' kept changing while it was read", hint="Try again when nothing writes to it.")
        return None

    def pieces(self, name: bytes) -> Iterator[bytes]:
        """A file piece by piece, for one that is too large to hold."""
        with contextlib.suppress(_Gone), self._open(name) as handle:
            opened = os.fstat(handle)
            left = opened.st_size if stat.S_ISREG(opened.st_mode) else 0
            while left > 0 and (piece := os.read(handle, min(_PIECE, left))):  # no more than it was: somebody may go on writing
                yield piece
                left -= len(piece)

    def names(self, directory: bytes) -> list[bytes]:
        """The names in a directory, sorted."""
        found = self._parent(directory + b"/x" if directory else b"x")
        return sorted(os.fsencode(name) for name in os.listdir(found[0])) if found else []  # noqa: PTH208 - of an open directory

    def _try(self, name: bytes) -> Content | None:
        """Content, or `None` when the file moved under our hands; raises _Gone."""
        before = self.look(name)
        if before is None:
            raise _Gone
        if stat.S_ISLNK(before.st_mode):
            return self._link(name)
        if not stat.S_ISREG(before.st_mode):
            raise _Gone
        with self._open(name) as handle:
            opened = os.fstat(handle)
            if not stat.S_ISREG(opened.st_mode):
                return None
            pieces = []
            left = opened.st_size + 1
            while left > 0 and (piece := os.read(handle, min(_PIECE, left))):
                pieces.append(piece)
                left -= len(piece)
            if left != 1 or _state(os.fstat(handle)) != _state(opened):
                return None
        return Content(EXECUTABLE if opened.st_mode & stat.S_IXUSR else FILE, b"".join(pieces))

    def _link(self, name: bytes) -> Content | None:
        found = self._parent(name)
        try:
            return Content(LINK, os.fsencode(os.readlink(found[1], dir_fd=found[0]))) if found else None
        except OSError:  # something else by now
            return None

    @contextlib.contextmanager
    def _open(self, name: bytes) -> Iterator[int]:
        found = self._parent(name)
        if found is None:
            raise _Gone
        try:
            handle = os.open(found[1], _FLAGS, dir_fd=found[0])
        except FileNotFoundError as problem:
            raise _Gone from problem
        except OSError as problem:
            raise UsageError(f"'{_said(name)}' cannot be read: {problem.strerror}") from problem
        try:
            yield handle
        except OSError as problem:
            raise UsageError(f"'{_said(name)}' cannot be read: {problem.strerror}") from problem
        finally:
            os.close(handle)

    def _parent(self, name: bytes) -> tuple[int, bytes] | None:
        """An open directory and the last component; directories on the way stay open, for the next name is often beside."""
        *leading, last = name.split(b"/")
        if len(leading) > DEEPEST:
            raise UsageError(f"'{_said(name[:200])}…' lies deeper than {DEEPEST} directories")
        shared = 0
        while shared < len(leading) and shared + 1 < len(self._chain) and self._chain[shared + 1][0] == leading[shared]:
            shared += 1
        while len(self._chain) > shared + 1:
            os.close(self._chain.pop()[1])
        for component in leading[shared:]:
            try:
                handle = os.open(component, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._chain[-1][1])
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError as problem:
                if stat.S_ISLNK(os.stat(component, dir_fd=self._chain[-1][1], follow_symlinks=False).st_mode):
                    return None
                raise UsageError(f"'{_said(name)}' cannot be read: {problem.strerror}") from problem
            self._chain.append((component, handle))
        return self._chain[-1][1], last


class _Gone(Exception):
    """There is no file of that name any more."""


def _state(now: os.stat_result) -> tuple[int, ...]:
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino)


def _said(name: bytes) -> str:
    return printable(shown(name))
