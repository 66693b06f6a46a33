"""Who works: a lock and a row per process, by which the others see that it is gone, and by which one of them takes over what it left."""

import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from runner.errors import StoreUnavailable
from runner.store.database import PATIENCE, Database, Transaction
from runner.store.owners import is_free, known_place, place
from runner.store.places import claim

if TYPE_CHECKING:
    from sqlalchemy import Row

WATCH: Final = "watch"
"""The role of a process that stays, and takes over what others leave."""
SUBMIT: Final = "submit"
"""The role of a process that carries its own run."""
TTL: Final = 30.0
"""Seconds after its last sign of life that a process on another machine is taken for dead, by the database's clock."""
_FOLDER: Final = "executors"
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_LONGEST_HOST: Final = 48


class Member(NamedTuple):
    """A process as it is listed; `ago` is the seconds since its last sign of life, and `runs` what it carried then."""

    id: str
    host: str
    place: str
    role: str
    slots: int
    serves: dict[str, Any]
    """What it said of itself."""
    ago: float
    runs: int
    alive: bool


class Executors:
    """The processes that work with the database of the folder `state`; this one is among them from `enter` to `leave`.

    On one machine the kernel's lock on a file says exactly who lives, even of a process that is stopped; of another machine's process
    only its last sign of life is known. Every method raises StoreUnavailable when lock or database cannot be used.
    """

    def __init__(self, state: Path, *, ttl: float = TTL, patience: float = PATIENCE) -> None:
        self.ttl = ttl
        self.id = ""
        self.places: dict[str, str] = {}
        """The state folders of the dead that were found last: what they carried goes on only where its target and its trees are."""
        self._state = state
        self._row: dict[str, Any] = {}
        self._lock: int | None = None
        self._host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:_LONGEST_HOST]
        self._database = Database(state, patience=patience)

    def enter(self, role: str, *, slots: int = 0) -> str:
        """Give this process an id, and say that it lives.

        Of the watchers each has the first free number, and so a restarted one the id, and the work, of the one before. Any other id is
        never used again: its process must begin nobody else's work.
        """
        claim(self._state)
        try:
            claim(self._folder)
            self.id, self._lock = self._slot() if role == WATCH else self._unique()
        except OSError as problem:
            hint = "Set XDG_STATE_HOME to a folder on a local file system that you can write to."
            raise StoreUnavailable(f"{self._folder} cannot be used: {problem.strerror}", hint=hint) from problem
        self._row = {"role": role, "slots": slots, "serves": "{}"}
        try:
            self.beat()
        except BaseException:
            self._unlock()
            raise
        return self.id

    def beat(self, runs: int = 0) -> None:
        """Give a sign of life; `runs` is what this process carries at this moment."""
        from sqlalchemy import insert, update

        from runner.store.schema import executors

        with self._database.writing() as transaction:
            connection, now = transaction.connection, transaction.now
            mine = {**self._row, "at": now, "runs": runs}
            if not connection.execute(update(executors).where(executors.c.id == self.id).values(mine)).rowcount:
                connection.execute(insert(executors).values(mine | {"id": self.id, "host": self._host, "place": place(self._state)}))

    def tell(self, about: Mapping[str, Any]) -> None:
        """Say of this process what whoever lists the processes is to know."""
        self._row["serves"] = json.dumps(about)
        self.beat()

    def home(self, run: str) -> str:
        """The name of the state folder that has the trees of a run; this one where the record says no other."""
        from sqlalchemy import select

        from runner.store.schema import runs

        if not self._database.server.shared:
            return self.place
        with self._database.reading() as transaction:
            found = transaction.connection.execute(select(runs.c.place).where(runs.c.id == run)).scalar() if transaction else None
        return found or self.place

    def leave(self, *, forget: bool) -> None:
        """Work no more. `forget`: nothing is left to take over; else the lock is held as long as this process lives."""
        from sqlalchemy import delete

        from runner.store.schema import executors

        if forget:
            try:
                with self._database.writing() as transaction:
                    transaction.connection.execute(delete(executors).where(executors.c.id == self.id))
            finally:
                self._unlock()
        self._database.close()

    def live(self, role: str) -> tuple[str, ...]:
        """The processes of a role that live."""
        with self._database.reading() as transaction:
            return (
                ()
                if transaction is None
                else tuple(row.id for row in _rows(transaction) if row.role == role and not self._dead(row, transaction.now))
            )

    def members(self) -> tuple[Member, ...]:
        """All processes that are known, also those that are dead and not buried yet."""
        with self._database.reading() as transaction:
            if transaction is None:
                return ()
            now = transaction.now
            return tuple(_member(row, now, alive=not self._dead(row, now)) for row in _rows(transaction))

    @property
    def place(self) -> str:
        """The name of this state folder."""
        return place(self._state)

    def any_dead(self) -> bool:
        """Whether there is anybody to bury: asked without keeping those waiting who write."""
        with self._database.reading() as transaction:
            return transaction is not None and any(self._dead(row, transaction.now) for row in _rows(transaction))

    @contextmanager
    def burying(self) -> Iterator[tuple[str, ...]]:
        """The dead, for one process at a time; they are forgotten once the block has ended well, and else are there for the next."""
        from sqlalchemy import delete

        from runner.store.schema import executors

        with self._database.writing() as transaction:
            self.places = {row.id: row.place for row in _rows(transaction) if self._dead(row, transaction.now)}
            dead = tuple(self.places)
            yield dead
            if dead:
                transaction.connection.execute(delete(executors).where(executors.c.id.in_(dead)))
        self.sweep()

    @property
    def _folder(self) -> Path:
        return self._state / _FOLDER

    def _slot(self) -> tuple[str, int]:
        for number in count():
            name = f"{self._host}-{place(self._state)}-{WATCH}-{number}"
            with suppress(BlockingIOError):
                return name, _locked(self._folder / name)
        raise AssertionError

    def _unique(self) -> tuple[str, int]:
        name = f"{self._host}-{place(self._state)}-{uuid4().hex}"
        return name, _locked(self._folder / name)

    def _dead(self, row: "Row[Any]", now: float) -> bool:
        if row.id == self.id:
            return False
        if row.place == known_place(self._state):
            if not is_free(self._folder / Path(row.id).name):
                return False
            if row.host == self._host:
                return True
        return bool(row.at < now - self.ttl)

    def _unlock(self) -> None:
        if self._lock is not None:
            with suppress(OSError):
                (self._folder / self.id).unlink()
            os.close(self._lock)
            self._lock = None

    def sweep(self) -> None:
        """Remove the locks that nobody holds."""
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            with suppress(OSError):
                lock = _locked(path)
                path.unlink()
                os.close(lock)


def _rows(transaction: Transaction) -> list["Row[Any]"]:
    from runner.store.schema import executors

    return list(transaction.connection.execute(executors.select().order_by(executors.c.id)))


def _member(row: "Row[Any]", now: float, *, alive: bool) -> Member:
    """A row as it is told; what another version wrote into it is left out."""
    try:
        serves = json.loads(row.serves)
    except ValueError:
        serves = None
    known = serves if isinstance(serves, dict) else {}
    return Member(row.id, row.host, row.place, row.role, row.slots, known, max(0.0, now - row.at), row.runs, alive)


def _locked(path: Path) -> int:
    """The descriptor of a lock that this process alone holds; raises BlockingIOError when another does, and OSError."""
    while True:
        lock = os.open(path, _OPEN, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):  # else it was removed before it was ours
                if os.path.samestat(os.fstat(lock), path.lstat()):
                    return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
