"""The vault, and the record of what it holds."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from runner.ports.landing import Item


class Backup(NamedTuple):
    """A verified backup."""

    id: str
    """The digest of the tree: two backups of the same content are one."""
    files: int
    size: int
    """Bytes of all contents."""
    added: int
    """Bytes that this one added to the vault."""


class Vault(Protocol):
    """Copies of what targets were, by their digests."""

    def keep(self, target: str, run: str, items: Iterable[Item]) -> Backup:
        """Write, sync, read back and verify; in use by `run` until it is released.

        Raises InfrastructureError when it does not fit the quota or the disk, or what was read back is not what was written.
        """

    def verify(self, backup: str) -> str:
        """Re-read a backup whole: empty when all of it is as it was, else what is wrong."""

    def release(self, run: str) -> None:
        """The run has ended: its backups may be pruned by the rules."""


class BackupRecord(NamedTuple):
    """That a target once was what a backup holds. Times are seconds since 1970 by the database's clock."""

    id: str
    target: str
    run: str
    """The last run that made it."""
    made: float
    """When it was made last."""
    verified: float | None
    """When it was last found to be as it was made; `None` once it was found damaged."""
    files: int
    size: int
    """Bytes of all contents."""
    pinned: str
    """Why it must stay; empty when it need not."""
    marked: float | None
    """When it was first found to be spare."""
    used: bool
    """Whether a run that has not ended may need it."""


Staying = Callable[[Sequence[BackupRecord], float], frozenset[tuple[str, str]]]
"""Which backups must stay, by id and target, of all that there are at a time; a pure function."""


class Backups(Protocol):
    """The durable record of one vault. Every method raises StoreUnavailable."""

    def all(self) -> tuple[tuple[BackupRecord, ...], float]:
        """The newest first, and the time at which that was so."""

    def made(self, target: str, run: str, backup: Backup) -> None:
        """It was made, read back and verified, and is in use by `run`."""

    def checked(self, backup: str, problem: str) -> None:
        """It was read again: as it was made, or damaged, and then it is no verified backup any more."""

    def restored(self, backup: str, place: str, run: str = "") -> None:
        """It was restored to `place`, for a run or by a person."""

    def release(self, run: str) -> None:
        """The run does not need its backups any more."""

    def mark(self, staying: Staying, grace: float) -> tuple[BackupRecord, ...]:
        """Mark what need not stay, unmark what must; what may be deleted now: marked earlier than this, and for at least `grace` seconds."""

    def forget(self, due: Sequence[BackupRecord], staying: Staying) -> tuple[BackupRecord, ...]:
        """Strike those of `due` from the record that are still marked as they were and still need not stay; these are given."""
