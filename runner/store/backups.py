"""The record of what the vault of a state folder holds: which backups, of which targets, verified when, and who needs them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.errors import StoreUnavailable, UsageError
from runner.ports import Backup, BackupRecord, Staying
from runner.store import owners
from runner.store.database import PATIENCE, Database, Transaction
from runner.store.names import storable
from runner.store.places import claim

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

LATEST: Final = "latest"
MADE: Final = "backup.made"
VERIFIED: Final = "backup.verified"
PINNED: Final = "backup.pinned"
UNPINNED: Final = "backup.unpinned"
PRUNED: Final = "backup.pruned"
RESTORED: Final = "backup.restored"
"""Kinds of entries of the audit log; their subject is the backup. `backup.verified` is written where it failed."""
_CANDIDATES: Final = 5
_DIGITS: Final = frozenset("0123456789abcdef")


class SqlBackups:
    """The record of the vault of the folder `state`, as `runner.ports.Backups` says; every method raises StoreUnavailable."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    def all(self) -> tuple[tuple[BackupRecord, ...], float]:
        """The newest first, and the time at which that was so."""
        with self._database.reading() as transaction:
            return ((), 0.0) if transaction is None else (self._records(transaction), transaction.now)

    def find(self, name: str) -> str:
        """The id of the backup called `name`: an id, a unique prefix of one, or `latest`; raises UsageError for none or several."""
        if name != LATEST and not (name and len(name) <= 64 and set(name) <= _DIGITS):  # noqa: PLR2004  digits of a sha256
            raise UsageError(f"'{name}' is no backup id", hint="Give an id, the beginning of one, or `latest`; see `seatrial backup list`.")
        records, _ = self.all()
        found = tuple(dict.fromkeys(record.id for record in records if name == LATEST or record.id.startswith(name)))
        return found[0] if found and name == LATEST else self._only(name, found)

    def made(self, target: str, run: str, backup: Backup) -> None:
        """It was made, read back and verified, and is in use by `run`."""
        from sqlalchemy import insert, update

        from runner.store.schema import backup_uses, backups

        claim(self._state)
        with self._database.writing() as transaction:
            connection, now = transaction.connection, transaction.now
            values = {"run": run, "made": now, "verified": now, "files": backup.files, "size": backup.size, "marked": None}
            key = {"id": backup.id, "target": storable(target), "place": self._made_place()}
            if not connection.execute(update(backups).where(*_are(key)).values(**values)).rowcount:
                connection.execute(insert(backups).values(**key, **values, pinned=""))
            use = (backup_uses.c.run == run, backup_uses.c.id == backup.id)
            if connection.execute(backup_uses.select().where(*use)).first() is None:
                connection.execute(insert(backup_uses).values(run=run, id=backup.id))
            told = {"target": key["target"], "run": run, "files": backup.files, "size": backup.size, "added": backup.added}
            transaction.audit(MADE, backup.id, told)

    def checked(self, backup: str, problem: str) -> None:
        """It was read again: as it was made, or damaged, and then it is no verified backup any more."""
        from sqlalchemy import update

        from runner.store.schema import backups

        if not self._is_here(backup):
            return
        with self._database.writing() as transaction:
            verified = None if problem else transaction.now
            done = transaction.connection.execute(update(backups).where(*self._these(backup)).values(verified=verified))
            if problem and done.rowcount:
                transaction.audit(VERIFIED, backup, {"problem": _text(problem)})

    def restored(self, backup: str, place: str, run: str = "") -> None:
        """It was restored to `place`, for a run or by a person."""
        claim(self._state)
        with self._database.writing() as transaction:
            transaction.audit(RESTORED, backup, {"place": _text(place)} | ({"run": run} if run else {}))

    def pin(self, backup: str, reason: str) -> None:
        """It must stay, for this reason; with none, it need not any more. Raises UsageError when it is not here."""
        from sqlalchemy import update

        from runner.store.schema import backups

        if not self._is_here(backup):
            self._only(backup, ())
        values: dict[str, Any] = {"pinned": _text(reason)} | ({"marked": None} if reason else {})
        with self._database.writing() as transaction:
            if transaction.connection.execute(update(backups).where(*self._these(backup)).values(**values)).rowcount:
                transaction.audit(PINNED if reason else UNPINNED, backup, {"reason": _text(reason)} if reason else {})

    def release(self, run: str) -> None:
        """The run does not need its backups any more."""
        from sqlalchemy import delete

        from runner.store.schema import backup_uses

        mine = backup_uses.c.run == run
        with self._database.reading() as transaction:
            if transaction is None or transaction.connection.execute(backup_uses.select().where(mine)).first() is None:
                return
        with self._database.writing() as transaction:
            transaction.connection.execute(delete(backup_uses).where(mine))

    def mark(self, staying: Staying, grace: float) -> tuple[BackupRecord, ...]:
        """Mark what need not stay, unmark what must; what may be deleted now: marked earlier than this, and for at least `grace` seconds."""
        if not self.all()[0]:
            return ()
        with self._database.writing() as transaction:
            records, now = self._records(transaction), transaction.now
            stay = staying(records, now)
            for record in records:
                spare = (record.id, record.target) not in stay
                if spare and record.marked is None:
                    self._set_mark(transaction, record, now)
                elif not spare and record.marked is not None:
                    self._set_mark(transaction, record, None)
            return tuple(
                record
                for record in records
                if (record.id, record.target) not in stay and record.marked is not None and record.marked <= now - grace
            )

    def forget(self, due: Sequence[BackupRecord], staying: Staying) -> tuple[BackupRecord, ...]:
        """Strike those of `due` from the record that are still marked as they were and still need not stay; these are given."""
        from sqlalchemy import delete

        from runner.store.schema import backups

        if not due:
            return ()
        with self._database.writing() as transaction:
            records = self._records(transaction)
            stay = staying(records, transaction.now)
            nothing = object()
            marks = {(record.id, record.target): record.marked for record in due}
            gone = [one for one in records if (one.id, one.target) not in stay and marks.get((one.id, one.target), nothing) == one.marked]
            for record in gone:
                transaction.connection.execute(delete(backups).where(*self._these(record.id), backups.c.target == record.target))
                transaction.audit(PRUNED, record.id, {"target": record.target, "made": record.made, "size": record.size})
            return tuple(gone)

    def close(self) -> None:
        """Let go of the database file."""
        self._database.close()

    def _records(self, transaction: Transaction) -> tuple[BackupRecord, ...]:
        from sqlalchemy import select

        from runner.store.schema import backup_uses, backups

        used = set(transaction.connection.execute(select(backup_uses.c.id).distinct()).scalars())
        columns = (backups.c[name] for name in BackupRecord._fields if name != "used")
        query = (
            select(*columns).where(backups.c.place == self._known_place()).order_by(backups.c.made.desc(), backups.c.id, backups.c.target)
        )
        return tuple(BackupRecord(**row, used=row["id"] in used) for row in transaction.connection.execute(query).mappings())

    def _set_mark(self, transaction: Transaction, record: BackupRecord, marked: float | None) -> None:
        from sqlalchemy import update

        from runner.store.schema import backups

        here = (*self._these(record.id), backups.c.target == record.target)
        transaction.connection.execute(update(backups).where(*here).values(marked=marked))

    def _these(self, backup: str) -> "tuple[ColumnElement[bool], ...]":
        from runner.store.schema import backups

        return (backups.c.id == backup, backups.c.place == self._known_place())

    def _is_here(self, backup: str) -> bool:
        return any(record.id == backup for record in self.all()[0])

    def _only(self, name: str, found: tuple[str, ...]) -> str:
        if not found:
            what = "there is no backup yet" if name == LATEST else f"there is no backup '{name}'"
            elsewhere = self._is_elsewhere(name)
            hint = "`seatrial backup list` shows those of this machine's vault."
            raise UsageError(f"backup '{name}' is in the vault of another machine" if elsewhere else what, hint=hint)
        if len(found) > 1:
            more = ", …" if len(found) > _CANDIDATES else ""
            raise UsageError(f"'{name}' fits several backups: {', '.join(found[:_CANDIDATES])}{more}", hint="Give more digits.")
        return found[0]

    def _is_elsewhere(self, name: str) -> bool:
        from sqlalchemy import select

        from runner.store.schema import backups

        if name == LATEST or not self._database.server.shared:
            return False
        with self._database.reading() as transaction:
            query = select(backups.c.id).where(backups.c.id.startswith(name, autoescape=True)).limit(1)
            return transaction is not None and transaction.connection.execute(query).first() is not None

    def _known_place(self) -> str:
        try:
            return owners.known_place(self._state)
        except OSError as problem:
            raise StoreUnavailable(f"{self._state} cannot be read: {problem.strerror}") from problem

    def _made_place(self) -> str:
        try:
            return owners.place(self._state)
        except OSError as problem:
            hint = "Set XDG_STATE_HOME to a folder that you can write to."
            raise StoreUnavailable(f"{self._state} cannot be used: {problem.strerror}", hint=hint) from problem


def _are(key: dict[str, str]) -> "tuple[ColumnElement[bool], ...]":
    from runner.store.schema import backups

    return tuple(backups.c[name] == value for name, value in key.items())


def _text(said: str) -> str:
    """What every database takes."""
    return said.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
