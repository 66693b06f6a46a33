"""The objects of a vault: files named by the sha256 of their content, each looked at as the disk has it."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from runner.vault.manifest import digest, is_digest

_AT_ONCE: Final = 128
"""Files that are open at once, so that the disk reads the next ones ahead."""
_CHUNK: Final = 2**20
_BLOCK: Final = 4096
_PREFIX: Final = 2
_OURS: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM))
"""What this process lacks, which says nothing of a file."""
GONE: Final = "is gone"
CHANGED: Final = "is not what was written"


class Stored(NamedTuple):
    """One object as the file system has it; `changed` is when it came or was renamed, in nanoseconds by the file system's clock."""

    digest: str
    path: str
    size: int
    changed: int


class Objects:
    """The objects below the folder `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._base = str(folder)

    def path(self, name: str) -> Path:
        """Where the object of this digest is or would be."""
        return Path(self._at(name))

    def folders(self, names: Iterable[str]) -> tuple[Path, ...]:
        """The folders that these objects are in."""
        return tuple(self.folder / first for first in sorted({name[:_PREFIX] for name in names}))

    def has(self, name: str) -> bool:
        """Whether there is anything by this name."""
        return os.path.lexists(self._at(name))

    def examine(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Read objects from the disk; each digest, and what is wrong with its object: empty when nothing is."""
        rest = iter(names)
        while some := tuple(islice(rest, _AT_ONCE)):
            yield from zip(some, flaws([self._at(name) for name in some], some), strict=True)

    def read(self, name: str) -> bytes:
        """The content of an object. Raises OSError, also when it is not what was written."""
        opened = _opened(self._at(name))
        with os.fdopen(opened, "rb") as file:
            content = file.read()
        if digest(content) != name:
            raise OSError(errno.EIO, f"object {name} of the vault {CHANGED}")
        return content

    def all(self) -> Iterator[Stored]:
        """Every object that there is. Raises OSError."""
        for folder in _listed(self.folder):
            for file in _listed(folder.path):
                if len(folder.name) == _PREFIX and is_digest(folder.name + file.name):
                    found = file.stat(follow_symlinks=False)
                    yield Stored(folder.name + file.name, file.path, found.st_size, found.st_ctime_ns)

    def _at(self, name: str) -> str:
        return f"{self._base}/{name[:_PREFIX]}/{name[_PREFIX:]}"


def room(size: int) -> int:
    """The bytes of disk that a file of this size takes."""
    return -(-size // _BLOCK) * _BLOCK


def flaws(paths: Sequence[Path | str], names: Sequence[str]) -> list[str]:
    """Read files from the disk, not from memory; what is wrong with each that should have this sha256. Raises OSError for want of room in here."""
    opened: list[int | OSError] = []
    try:
        for path in paths:
            opened.append(_ahead(path))  # noqa: PERF401  one that fails must not cost us the others' descriptors
        return [_flaw(file, name) for file, name in zip(opened, names, strict=True)]
    finally:
        for file in opened:
            if isinstance(file, int):
                os.close(file)


def _ahead(path: Path | str) -> int | OSError:
    """The file, open, forgotten by the memory, and on its way from the disk."""
    try:
        opened = _opened(path)
    except OSError as problem:
        if problem.errno in _OURS:
            raise
        return problem
    os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
    os.posix_fadvise(opened, 0, _CHUNK, os.POSIX_FADV_WILLNEED)
    return opened


def _flaw(file: int | OSError, name: str) -> str:
    if isinstance(file, OSError):
        return GONE if file.errno == errno.ENOENT else f"cannot be read: {file.strerror}"
    found = sha256()
    try:
        while chunk := os.read(file, _CHUNK):
            found.update(chunk)
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"
    return "" if found.hexdigest() == name else CHANGED


def _opened(path: Path | str) -> int:
    """Raises OSError, also for what is no plain file."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    raise OSError(errno.EINVAL, "it is no plain file")


def _listed(folder: Path | str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
