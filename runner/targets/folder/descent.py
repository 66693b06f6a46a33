"""Goes down into a folder that somebody else may write to: step by step from an open folder, never through a link."""

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runner.errors import InfrastructureError
from runner.model.change import DEEPEST
from runner.model.text import printable, shown

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Gone(Exception):
    """What leads to a path is no folder, or not any more."""


class Descent:
    """An open folder, and those below it that were used last; use it in a `with`. Paths have `/` between the names, none at the ends."""

    def __init__(self, top: Path | bytes) -> None:
        """Raises OSError; the last component of `top` is not followed."""
        self.top = os.open(top, FOLDER)
        self._names: list[bytes] = []
        self._open: list[int] = []
        self._path = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.forget()
        os.close(self.top)

    @property
    def number(self) -> int:
        """The inode of the folder itself."""
        return os.fstat(self.top).st_ino

    def forget(self) -> None:
        """Begin at the top again with the next path: what was open may stand elsewhere by now."""
        self._climb(0)

    def folder(self, path: bytes) -> int:
        """A folder, open until the next question; the top for an empty path. Raises Gone, OSError, and InfrastructureError when too deep."""
        if path == self._path:
            return self._open[-1] if self._open else self.top
        names = path.split(b"/") if path else []
        if len(names) > DEEPEST:
            raise InfrastructureError(f"'{printable(shown(path[:200]))}…' lies deeper than {DEEPEST} folders.")
        shared = 0
        for one, other in zip(self._names, names, strict=False):
            if one != other:
                break
            shared += 1
        self._climb(shared)
        for name in names[shared:]:
            self._enter(name)
        self._path = path
        return self._open[-1] if self._open else self.top

    def at(self, path: bytes) -> tuple[int, bytes]:
        """The open folder that a path is in, and its last name. Raises as `folder` does."""
        folder, _, name = path.rpartition(b"/")
        return self.folder(folder), name

    def _enter(self, name: bytes) -> None:
        try:
            opened = os.open(name, FOLDER, dir_fd=self._open[-1] if self._open else self.top)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise Gone from problem
            raise
        self._open.append(opened)
        self._names.append(name)
        self._path = b"/".join(self._names)

    def _climb(self, keep: int) -> None:
        while len(self._open) > keep:
            os.close(self._open.pop())
            self._names.pop()
        self._path = b"/".join(self._names)
