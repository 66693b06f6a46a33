"""Where a live folder is: the path that an operator named, what stands there, and what can be done with it."""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from runner.durable import exchange
from runner.errors import UsageError
from runner.model.text import printable, shown
from runner.targets.folder.mounts import file_system, mounted_inside
from runner.targets.folder.removal import erase

EXCHANGE: Final = "exchange"
SYMLINK: Final = "symlink"
JOURNAL: Final = "journal"
_LAYERED: Final = ("overlay", "overlayfs", "aufs", "fuse-overlayfs")
"""Kinds of file systems on which a folder of a lower layer cannot be renamed."""


class Place:
    """The path of a live folder: all but the last name is resolved, since that may be a link to the release that is live."""

    def __init__(self, path: Path) -> None:
        whole = Path.cwd() / path
        if whole.name in ("", ".", ".."):
            whole = Path(os.path.realpath(whole))
        self.parent = Path(os.path.realpath(whole.parent))
        self.name = whole.name
        self.path = self.parent / self.name

    @property
    def said(self) -> str:
        """The path for people."""
        return printable(shown(os.fsencode(self.path)))

    def folder(self) -> Path:
        """The folder itself, by its real path. Raises UsageError when it is none, or may not be a target."""
        if not self.name:
            raise UsageError("The root of the file system cannot be a target.")
        if not os.path.lexists(self.path):
            raise UsageError(f"There is no folder '{self.said}'.", hint="The target must be there: put the base's files into it once.")
        real = Path(os.path.realpath(self.path))
        if not real.is_dir():
            raise UsageError(f"'{self.said}' is not a folder.")
        if not real.name:
            raise UsageError(f"'{self.said}' is the root of the file system, which cannot be a target.")
        if any(part.lower() == ".git" for part in (*real.parts, self.name)):
            raise UsageError(f"'{self.said}' lies inside of a .git folder.", hint="For a repository, use git:PATH#REF.")
        if not (may_write(self.parent) or may_write(real)):
            raise UsageError(f"'{self.said}' may not be written to, nor the folder that it is in.")
        return real

    @property
    def is_link(self) -> bool:
        """Whether it is a link to the release that is live."""
        return self.path.is_symlink()

    def method(self) -> tuple[str, str]:
        """How a step can be made here, without trying, and why no better one; raises UsageError."""
        live = self.folder()
        if mounted_inside(live):
            return JOURNAL, "it is a mount point, or something is mounted inside"
        if self.is_link:
            writable = may_write(self.parent) and may_write(live.parent)
            return (SYMLINK, "") if writable else (JOURNAL, "nothing may be written beside it")
        if not may_write(self.parent):
            return JOURNAL, "nothing may be written beside it"
        if live.lstat().st_dev != self.parent.lstat().st_dev:
            return JOURNAL, "the folder that it is in is on another file system"
        if file_system(live) in _LAYERED:
            return JOURNAL, "its file system has layers"
        return EXCHANGE, ""

    def can_exchange(self, scratch: Path) -> bool:
        """Whether two folders beside it can change places: tried with two that begin with the name `scratch`. Raises OSError."""
        pair = [scratch.with_name(f"{scratch.name}.try{letter}") for letter in "ab"]
        try:
            for one in pair:
                one.mkdir(mode=stat.S_IRWXU)
            exchange(*pair)
        except OSError as problem:
            if problem.errno in (errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP):
                return False
            raise
        finally:
            for one in pair:
                erase(one)
        return True


def may_write(folder: Path | str) -> bool:
    """Whether this process may make names in a folder."""
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=True)
