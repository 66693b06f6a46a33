"""What leaves a vault: what died half-way, backups that no rule keeps any more, and the objects that no backup holds."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from runner.crashpoints import crashpoint
from runner.durable import sync_folder
from runner.ports import BackupRecord, Backups
from runner.vault.layout import CLAIM, STAGED, Layout, listed, names
from runner.vault.manifest import Damaged, objects_of
from runner.vault.options import Options
from runner.vault.restoring import remove, staging_of
from runner.vault.retention import rules


class Pruned(NamedTuple):
    """What a prune did, or would do."""

    marked: tuple[BackupRecord, ...]
    """Spare: deleted by a later prune once the grace is over."""
    deleted: tuple[BackupRecord, ...]
    stay: int
    """How many backups stay."""
    freed: int
    """Bytes of the contents that no backup needs any more."""
    problem: str = ""
    """Why contents that may be spare had to stay."""


class Pruning:
    """Prunes a vault."""

    def __init__(self, layout: Layout, backups: Backups, options: Options) -> None:
        self._layout, self._backups = layout, backups
        self._rule, self._grace = rules(options), options.advanced.grace

    def prune(self) -> Pruned:
        """Under the lock, held alone. Raises OSError and StoreUnavailable; what it did till then stays done."""
        settle(self._layout, self._backups)
        due = self._backups.mark(self._rule, self._grace)
        crashpoint("vault.prune.marked")
        self._doom(due)
        deleted = self._backups.forget(due, self._rule)
        crashpoint("vault.prune.deleted")
        settle(self._layout, self._backups)  # deletes what is doomed, and brings back what somebody pinned just now
        freed, problem = self._collect()
        left, _ = self._backups.all()
        marked = tuple(record for record in left if record.marked is not None)
        return Pruned(marked, deleted, len(left) - len(marked), freed, problem)

    def would_prune(self) -> Pruned:
        """What `prune` would do now; changes nothing. Raises OSError and StoreUnavailable."""
        records, now = self._backups.all()
        stay = self._rule(records, now)
        spare = [record for record in records if (record.id, record.target) not in stay]
        due = [record for record in spare if record.marked is not None and record.marked <= now - self._grace]
        left = {record.id for record in records if record not in due}
        recorded = {record.id for record in records}
        freed, problem = 0, ""
        try:
            needed = self._needed(name for name in self._layout.ids() if name in left or name not in recorded)
            freed = sum(found.size for found in self._layout.objects.all() if found.digest not in needed)
        except Damaged as damaged:
            problem = str(damaged)
        return Pruned(tuple(record for record in spare if record not in due), tuple(due), len(stay), freed, problem)

    def _doom(self, due: Iterable[BackupRecord]) -> None:
        """Put aside what only these are a backup of; it comes back if it is not struck from the record."""
        struck = {(record.id, record.target) for record in due}
        staying = {record.id for record in self._backups.all()[0] if (record.id, record.target) not in struck}
        crashpoint("vault.prune.deleting")
        for name in {name for name, _ in struck} - staying:
            with suppress(FileNotFoundError):
                (self._layout.manifests / name).rename(self._layout.doomed / name)
        sync_folder(self._layout.doomed)
        sync_folder(self._layout.manifests)

    def _collect(self) -> tuple[int, str]:
        """Delete the objects that no backup holds and that were there before the lock was ours alone; the bytes, or why they stay."""
        layout = self._layout
        clock = layout.writing / f"clock-{os.urandom(8).hex()}"  # the file system's own clock, which may be another machine's
        clock.mkdir(mode=0o700)
        since = clock.lstat().st_ctime_ns
        clock.rmdir()
        try:
            needed = self._needed(layout.ids())
        except Damaged as problem:
            return 0, str(problem)
        freed = 0
        for found in layout.objects.all():
            if found.digest not in needed and found.changed < since:
                Path(found.path).unlink()
                freed += found.size
        return freed, ""

    def _needed(self, backups: Iterable[str]) -> set[str]:
        """The objects of these backups. Raises Damaged: who knows what that one held."""
        needed: set[str] = set()
        for backup in backups:
            try:
                needed |= objects_of(self._layout.manifest(backup))
            except Damaged as problem:
                raise Damaged(f"no contents can be deleted, since the manifest of backup {backup} is damaged: {problem}") from problem
        return needed


def settle(layout: Layout, backups: Backups) -> None:
    """End what the dead began: the lock is held alone, so nobody else is alive. Raises OSError and StoreUnavailable."""
    left = listed(layout.writing)
    claims = {path.name.removeprefix(CLAIM) for folder in left for path in folder.glob(f"{CLAIM}*")}
    doomed = names(layout.doomed)
    recorded = {record.id for record in backups.all()[0]} if claims or doomed else set()
    for name in claims - recorded:
        (layout.manifests / name).unlink(missing_ok=True)
    for name in doomed:
        if name in recorded and not (layout.manifests / name).exists():
            (layout.doomed / name).rename(layout.manifests / name)
        else:
            (layout.doomed / name).unlink()
    if claims or doomed:
        sync_folder(layout.manifests)
        sync_folder(layout.doomed)
    for folder in left:
        _remove(folder)


def _remove(writer: Path) -> None:
    """The folder of a dead writer, and what it had laid out elsewhere."""
    with suppress(FileNotFoundError):
        staged = Path(os.fsdecode((writer / STAGED).read_bytes()))
        if staged == staging_of(staged, writer.name):
            remove(staged)
    shutil.rmtree(writer)
