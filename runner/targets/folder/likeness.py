"""Makes one file or folder like another in owner, attributes and mode."""

import errno
import os
import stat
from contextlib import suppress
from typing import Final

_LEFT: Final = ("security.capability",)
"""Rights that new content does not inherit."""
_EXECUTE: Final = 0o111
_READABLE: Final = 0o444
_PLAIN: Final = 0o777


def owned(made: int, uid: int, gid: int) -> None:
    """Give an open file or folder an owner; nobody but root can give away what is theirs, and then it stays. Raises OSError."""
    facts = os.fstat(made)
    if (facts.st_uid, facts.st_gid) == (uid, gid):
        return
    try:
        os.fchown(made, uid, gid)
    except PermissionError:
        if not os.geteuid():
            raise
        with suppress(PermissionError):
            os.fchown(made, -1, gid)


def folder_like(model: int, made: int) -> None:
    """Owner, extended attributes and mode of a folder. Raises OSError."""
    facts = os.fstat(model)
    owned(made, facts.st_uid, facts.st_gid)
    _attributes(model, made)
    os.fchmod(made, stat.S_IMODE(facts.st_mode))


def file_like(model: int, made: int, *, executable: bool) -> None:
    """The same for a file with new content: what git says of its mode counts, and it gets no right to become somebody else."""
    facts = os.fstat(model)
    owned(made, facts.st_uid, facts.st_gid)
    _attributes(model, made)
    mode = stat.S_IMODE(facts.st_mode) & _PLAIN
    runs = mode & _EXECUTE
    if executable and not runs & stat.S_IXUSR:
        mode |= stat.S_IXUSR | ((mode & _READABLE) >> 2)
    elif not executable:
        mode &= ~_EXECUTE
    os.fchmod(made, mode)


def kept_attributes(opened: int) -> tuple[tuple[str, bytes], ...]:
    """The `user.` attributes by name in order; none where the file system has none. Raises OSError."""
    try:
        names = sorted(name for name in os.listxattr(opened) if name.startswith("user."))
        return tuple((name, os.getxattr(opened, name)) for name in names)
    except OSError as problem:
        if problem.errno in (errno.ENOTSUP, errno.ENODATA):
            return ()
        raise


def _attributes(model: int, made: int) -> None:
    """As many as we may set: some belong to the system."""
    with suppress(OSError):
        for name in os.listxattr(model):
            if name not in _LEFT:
                with suppress(OSError):
                    os.setxattr(made, name, os.getxattr(model, name))
