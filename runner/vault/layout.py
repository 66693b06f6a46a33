"""Where things lie in the folder of a vault, and the folders of those who write to it."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from runner.errors import InfrastructureError
from runner.vault.manifest import Damaged, Entry, digest, is_digest, parse
from runner.vault.objects import Objects, room

CLAIM: Final = "claim-"
"""Begins the name of an empty file in a writer's folder: this writer gives a backup its name, and has not recorded it yet."""
STAGED: Final = "staged"
"""A file in a writer's folder: where it lays out a backup that is being restored."""


@dataclass(frozen=True)
class Layout:
    """The folders of the vault `root`."""

    root: Path

    @property
    def lock(self) -> Path:
        """Shared by those who write and read, held alone by those who delete."""
        return self.root / "lock"

    @property
    def objects(self) -> Objects:
        """What backups consist of."""
        return Objects(self.root / "objects")

    @property
    def manifests(self) -> Path:
        """The backups, by id."""
        return self.root / "manifests"

    @property
    def doomed(self) -> Path:
        """Backups that are about to be deleted, and go back to the others if that does not come to pass."""
        return self.root / "doomed"

    @property
    def writing(self) -> Path:
        """A folder for each who writes; those of the dead are swept."""
        return self.root / "writing"

    def claim(self) -> None:
        """Make what is absent. Raises OSError, and InfrastructureError when somebody else may write here."""
        for folder in (self.root, self.objects.folder, self.manifests, self.doomed, self.writing):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.stat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise InfrastructureError(f"{folder} is not a folder of yours alone", hint=f"See who made it; then chmod 700 {folder}")

    def ids(self) -> tuple[str, ...]:
        """The backups that are here, recorded or not."""
        return names(self.manifests)

    def manifest(self, backup: str) -> bytes:
        """The manifest of a backup as it was written. Raises Damaged, FileNotFoundError and OSError."""
        if not is_digest(backup):
            raise FileNotFoundError(backup)
        try:
            content = (self.manifests / backup).read_bytes()
        except FileNotFoundError:
            content = (self.doomed / backup).read_bytes()
        if digest(content) != backup:
            raise Damaged("it is not what was written")
        return content

    def entries(self, backup: str) -> tuple[Entry, ...]:
        """What a backup holds. Raises Damaged, FileNotFoundError and OSError."""
        return parse(self.manifest(backup))

    def used(self) -> int:
        """The bytes of disk that the vault takes."""
        others = sum(room(path.lstat().st_size) for folder in (self.manifests, self.doomed) for path in folder.iterdir())
        return others + sum(room(found.st_size) for found in _below(self.writing)) + sum(room(one.size) for one in self.objects.all())

    @contextmanager
    def berth(self) -> Iterator[Path]:
        """A folder for one who writes, gone afterwards; only held with the lock shared. After a failure its claims stay for the sweep."""
        folder = self.writing / uuid4().hex
        folder.mkdir(mode=0o700)
        try:
            yield folder
        except BaseException:
            with suppress(OSError):  # what stays, claims above all, is for the sweep
                for path in tuple(folder.iterdir()):
                    if not path.name.startswith(CLAIM):
                        path.unlink(missing_ok=True)
                folder.rmdir()
            raise
        shutil.rmtree(folder, ignore_errors=True)


def names(folder: Path) -> tuple[str, ...]:
    """The digests that files of a folder are named by, in order."""
    return tuple(sorted(path.name for path in listed(folder) if is_digest(path.name)))


def listed(folder: Path) -> tuple[Path, ...]:
    """What is in a folder; nothing where there is none. Raises OSError."""
    try:
        return tuple(folder.iterdir())
    except FileNotFoundError:
        return ()


def _below(folder: Path) -> Iterator[os.stat_result]:
    for path in folder.glob("*/*"):
        with suppress(FileNotFoundError):  # its writer has moved it
            yield path.lstat()
