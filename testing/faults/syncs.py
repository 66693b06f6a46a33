"""Writes down what a process syncs, and tells which files and folders it has made and not synced: a power cut could cost them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from runner.vault import syncing


class _Synced(NamedTuple):
    """What a file or folder was when it was synced."""

    changed: int
    names: frozenset[str]


class Syncs:
    """From when it is made, in this process."""

    def __init__(self) -> None:
        self._synced: dict[tuple[int, int], _Synced] = {}
        self._all_at: dict[int, set[int]] = {}
        fsync, syncfs = os.fsync, syncing._syncfs

        def one(opened: int) -> None:
            fsync(opened)
            facts = os.fstat(opened)
            names = frozenset(os.listdir(opened)) if stat.S_ISDIR(facts.st_mode) else frozenset()
            self._synced[facts.st_dev, facts.st_ino] = _Synced(facts.st_mtime_ns, names)

        def everything(opened: int) -> None:
            syncfs(opened)
            self._whole = True

        self._whole = False
        os.fsync = one
        syncing._syncfs = everything

    def missing(self, world: Path) -> Iterator[str]:
        """What was laid beside the target or kept in the vault and is not synced as it is now."""
        live = Path(os.path.realpath(world / "site" / "app"))
        known = {path.lstat().st_ino for path in live.rglob("*")}
        for staged in (*(world / "site").glob(".app.seatrial-*"), *(world / "site").glob("releases/*.seatrial-*")):
            yield from self._missing_below(staged, known)
        yield from self._missing_below(live.parent, known, deep=False)
        if not self._whole:
            for folder in ("objects", "manifests"):
                yield from self._missing_below(world / "state" / "seatrial" / "vault" / folder, set())

    def _missing_below(self, top: Path, known: set[int], *, deep: bool = True) -> Iterator[str]:
        for path in (top, *(top.rglob("*") if deep and top.is_dir() and not top.is_symlink() else ())):
            facts = path.lstat()
            if stat.S_ISLNK(facts.st_mode) or facts.st_ino in known:
                continue
            if stat.S_ISREG(facts.st_mode) and not facts.st_size:  # nothing but a name, which its folder has
                continue
            synced = self._synced.get((facts.st_dev, facts.st_ino))
            if synced is None:
                yield f"{path} was never synced"
            elif stat.S_ISREG(facts.st_mode) and synced.changed != facts.st_mtime_ns:
                yield f"{path} was written to since it was synced"
            elif stat.S_ISDIR(facts.st_mode) and not _names(path) <= synced.names:
                yield f"names in {path} are not synced: {sorted(_names(path) - synced.names)}"


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir())
