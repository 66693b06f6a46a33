"""The vault of a state folder: backups made, verified, restored, and pruned when no rule keeps them any more."""

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from runner.crashpoints import crashpoint
from runner.errors import InfrastructureError, StoreUnavailable, UsageError
from runner.model.text import shown
from runner.model.units import show_size
from runner.ports import Backup, Backups, Item
from runner.vault import lock
from runner.vault.layout import STAGED, Layout, listed
from runner.vault.making import Making
from runner.vault.manifest import Damaged, Entry
from runner.vault.options import Options
from runner.vault.pruning import Pruned, Pruning, settle
from runner.vault.restoring import Laying, Restored, owners_lost, place_of, put, remove, staging_of
from runner.vault.syncing import batch

Told = Callable[[int, int], None]
"""Called now and then with how many things are done, and how many there are."""
_REASONS: Final = {
    errno.ENOSPC: ("the disk is full", "Free some space, or let `seatrial backup prune` delete what no rule keeps; then try again."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space, then try again."),
    errno.EIO: ("the disk reports an error", "What was written is taken for lost. Look at the system's log before you try again."),
    errno.EROFS: ("the file system is read-only", "Set XDG_STATE_HOME to a folder that can be written."),
}
_MOST_NAMED: Final = 3


class Damage(NamedTuple):
    """Something that is not as it was written: the object or manifest, and the paths of the backup that it costs."""

    what: str
    paths: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class FileVault:
    """The vault in the folder `vault` of `state`, which must be ours alone; `backups` is the record of it."""

    state: Path
    backups: Backups
    options: Options

    @property
    def layout(self) -> Layout:
        """Where things lie."""
        return Layout(self.state / "vault")

    def keep(self, target: str, run: str, items: Iterable[Item]) -> Backup:
        """Write, sync, read back and verify; in use by `run` until it is released.

        Raises InfrastructureError when it does not fit the quota or the disk, when the target cannot be read, or when what was read back is
        not what was written; what reading the items raises else is raised as it is. Two that are made at once may pass the quota together.
        """
        with _translated("the backup cannot be made"):
            self.layout.claim()
            self.sweep()
            with lock.shared(self.layout.lock), self.layout.berth() as berth, batch(self.layout.root) as disk:
                backup = Making(self.layout, berth, disk, _Quota(self.layout, self.options.quota).admit).make(items)
                crashpoint("vault.verified")
                self.backups.made(target, run, backup)
                crashpoint("vault.recorded")
                return backup

    def verify(self, backup: str) -> str:
        """Re-read a backup whole: empty when all of it is as it was, else what is wrong."""
        return told(self.examine(backup))

    def release(self, run: str) -> None:
        """The run has ended: its backups may be pruned by the rules."""
        self.backups.release(run)

    def examine(self, backup: str, *, progress: Told = lambda _done, _all: None, seen: dict[str, str] | None = None) -> tuple[Damage, ...]:
        """Re-read a backup whole, and record the answer: what is wrong with it.

        `seen` holds what is wrong with each object that was read already, and is filled. Raises StoreUnavailable and InfrastructureError.
        """
        with _translated("the backup cannot be verified"), self._reading():
            found, _ = self._examined(backup, progress, {} if seen is None else seen)
            self.backups.checked(backup, told(found))
            return found

    def holds(self, backup: str) -> bool:
        """Whether the backup of this id is here, recorded or not."""
        with suppress(OSError, Damaged):
            self.layout.manifest(backup)
            return True
        return False

    def entries(self, backup: str) -> tuple[Entry, ...]:
        """What a backup holds, in the order of the paths. Raises UsageError when it is not here, InfrastructureError when it is damaged."""
        with _translated("the backup cannot be read"):
            try:
                return self.layout.entries(backup)
            except FileNotFoundError as problem:
                raise UsageError(f"there is no backup {backup} in {self.layout.root}", hint="See `seatrial backup list`.") from problem
            except Damaged as problem:
                raise _useless(backup, (Damage(f"manifest {backup}: {problem}"),)) from problem

    def items(self, backup: str) -> Iterator[Item]:
        """What a backup holds, to be put into a target again; raises as `entries` does, and reading a content that is damaged raises OSError.

        Only for a backup that stays meanwhile: one in use, or pinned.
        """
        read = self.layout.objects.read
        for entry in self.entries(backup):
            content = partial(read, entry.sha256) if entry.sha256 else bytes
            yield Item(entry.path, entry.kind, entry.mode, content, entry.owner, entry.attributes)

    def restore(
        self, backup: str, destination: Path, *, dry: bool = False, progress: Told = lambda _done, _all: None, run: str = ""
    ) -> Restored:
        """Lay a backup out as the folder `destination`, which must be absent or empty: all of it, or nothing.

        All of it is verified first; with `dry` that is all. Raises UsageError for the destination, and InfrastructureError for a damaged
        backup or a disk without room. It needs no record: where there is none that can be written the answer says so.
        """
        place = place_of(destination)
        with self._reading():
            with _translated("the backup cannot be read"):
                found, entries = self._examined(backup, progress, {})
            if found:
                raise _useless(backup, found)
            as_root = os.geteuid() == 0
            lost = () if as_root else owners_lost(entries)
            if dry:
                files = [entry for entry in entries if entry.kind == "file"]
                return Restored(len(files), sum(entry.size for entry in files), lost)
            with _translated(f"{destination} cannot be restored"), self._staging(place) as staged, batch(staged) as disk:
                restored = Laying(staged, disk, self.layout.objects.read, progress, as_root=as_root).lay(entries)
                put(staged, place)
        restored = restored._replace(lost=(*lost, *restored.lost))
        try:
            self.backups.restored(backup, str(place), run)
        except StoreUnavailable as problem:  # it is there nonetheless
            return restored._replace(unrecorded=str(problem))
        return restored

    def prune(self, *, dry: bool = False, waiting: Callable[[], None] = lambda: None) -> Pruned:
        """Delete what was marked long enough ago, then what no backup holds any more; mark what no rule keeps. With `dry` only say so.

        `waiting` is called when others use the vault. Raises InfrastructureError and StoreUnavailable; what it did till then stays done.
        """
        pruning = Pruning(self.layout, self.backups, self.options)
        with _translated("the vault cannot be pruned"):
            if dry or not (self.layout.root.is_dir() or self.backups.all()[0]):
                with self._reading():
                    return pruning.would_prune()
            self.layout.claim()
            with lock.alone(self.layout.lock, waiting):
                return pruning.prune()

    def sweep(self) -> None:
        """Remove what writers left that died, unless somebody uses the vault right now. Raises InfrastructureError and StoreUnavailable."""
        if not (listed(self.layout.writing) or listed(self.layout.doomed)):
            return
        with _translated("the vault cannot be swept"), lock.alone_at_once(self.layout.lock) as held:
            if held:
                settle(self.layout, self.backups)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Nothing is deleted meanwhile; where there is no vault there is nothing to delete."""
        if not self.layout.root.is_dir():
            yield
            return
        with lock.shared(self.layout.lock):
            yield

    def _examined(self, backup: str, progress: Told, seen: dict[str, str]) -> tuple[tuple[Damage, ...], tuple[Entry, ...]]:
        try:
            entries = self.layout.entries(backup)
        except FileNotFoundError:
            return (Damage(f"manifest {backup} is gone"),), ()
        except Damaged as problem:
            return (Damage(f"manifest {backup}: {problem}"),), ()
        needed = {entry.sha256 for entry in entries if entry.sha256}
        unread = sorted(needed - seen.keys())
        for number, (name, flaw) in enumerate(self.layout.objects.examine(unread), 1):
            seen[name] = flaw
            progress(number, len(unread))
        bad: dict[str, list[bytes]] = defaultdict(list)
        for entry in entries:
            if entry.sha256 and seen[entry.sha256]:
                bad[entry.sha256].append(entry.path)
        return tuple(Damage(f"object {name} {seen[name]}", tuple(paths)) for name, paths in bad.items()), entries

    @contextmanager
    def _staging(self, place: Path) -> Iterator[Path]:
        """A new folder beside `place`, which a sweep finds if we die; gone unless it was put there."""
        with self._noted(place) as staged:
            staged.mkdir(mode=0o700)
            try:
                yield staged
            finally:
                remove(staged)

    @contextmanager
    def _noted(self, place: Path) -> Iterator[Path]:
        """The name of that folder, written down in the vault if that can be done: a full disk must not forbid to restore elsewhere."""
        folder = self.layout.writing / os.urandom(16).hex()
        staged = staging_of(place, folder.name)
        with suppress(OSError):
            folder.mkdir(mode=0o700)
            (folder / STAGED).write_bytes(os.fsencode(staged))
        try:
            yield staged
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class _Quota:
    """Counts what is written against the quota of the vault."""

    def __init__(self, layout: Layout, most: int) -> None:
        self._layout, self._most = layout, most
        self._used: int | None = None

    def admit(self, size: int) -> None:
        """Raises InfrastructureError when so many bytes more do not fit."""
        if self._used is None:
            self._used = self._layout.used()
        if self._used + size > self._most:
            raise InfrastructureError(
                f"the backup does not fit: the vault would pass its quota of {show_size(self._most)}",
                hint="Let `seatrial backup prune` delete what no rule keeps, or raise `backup.quota` in the policy. Nothing was deleted for it.",
            )
        self._used += size


def told(damages: Sequence[Damage]) -> str:
    """What is wrong, in a sentence; empty when nothing is."""
    if not damages:
        return ""
    first = damages[0]
    paths = ", ".join(f"'{shown(path)}'" for path in first.paths[:_MOST_NAMED]) + (", …" if len(first.paths) > _MOST_NAMED else "")
    more = f"; and {len(damages) - 1} more" if len(damages) > 1 else ""
    return f"{first.what}{f' ({paths})' if paths else ''}{more}"


def _useless(backup: str, found: Sequence[Damage]) -> InfrastructureError:
    return InfrastructureError(f"backup {backup} is damaged: {told(found)}", hint="Use another one; see `seatrial backup list`.")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """What the system says, as what happened and what to do."""
    try:
        yield
    except OSError as problem:
        said = problem.strerror or str(problem)
        reason, hint = _REASONS.get(problem.errno or 0, (said, "Mend that, then try again; see `seatrial doctor`."))
        reason = reason if said == os.strerror(problem.errno or 0) else said
        raise InfrastructureError(f"{what}: {reason}", hint=hint) from problem
