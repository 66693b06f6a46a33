"""Carries what the service writes from the folder that leaves to the one that comes, pass by pass, so that almost nothing is left at the step."""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from runner.errors import TargetMoved
from runner.targets.folder.carrying import Carrier, Way
from runner.targets.folder.databases import BESIDE, is_database, still
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.foreign import Difference, Foreign, Remembered, flat, remember
from runner.targets.folder.managed import Sides, listed
from runner.targets.folder.record import Heading, Record

PATIENCE: Final = 2.0
"""Seconds that a database of the service may be busy before the step is made all the same."""
_ROUNDS: Final = 50


class Setting(NamedTuple):
    """What one crossing is about."""

    sides: Sides
    record: Record
    run: str
    own: Callable[[], None]
    """Raises Fenced when somebody has taken over."""
    ignored: Collection[bytes] = ()
    """Paths of our own making."""


class Crossing:
    """From the folder `source`, which holds `sides.leaving`, to the folder `into`, which holds `sides.coming`; use it in a `with`.

    Both stay open, so that it does not matter when they change places. All methods raise OSError, Fenced, and Unlinkable for what
    cannot have a second name.
    """

    def __init__(self, source: Path, into: Path, setting: Setting) -> None:
        self._setting = setting
        self._top = source
        self._source = Descent(source)
        try:
            self._into = Descent(into)
        except BaseException:
            self._source.__exit__(None, None, None)
            raise
        self._foreign = Foreign(self._source, setting.sides, setting.ignored)
        self._databases: set[bytes] = set()
        self._remembered: Remembered = {}
        self._dirty: set[bytes] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._source.__exit__(kind, problem, trace)
        self._into.__exit__(kind, problem, trace)

    def carry(self, *, fresh: bool = False) -> None:
        """A whole pass, while the service does not work in `into`: it has what the source has, synced.

        What is removed from `into` is only what was brought there once, or, with `fresh`, nothing: it was just laid. Raises TargetMoved
        when the tree is in the way.
        """
        self._remembered = {} if fresh else self._there()
        self._note()  # from here on, that something is in `into` does not mean that somebody made it there
        self._foreign.scan()
        self._bring(self._foreign.differences(self._remembered), note=not fresh)
        self._examine_all()
        self._sync()
        self._note()

    def step(self, make: Callable[[], None]) -> None:
        """The last look, the step itself, and what came in between, while no transaction of the service's databases goes on."""
        with still(self._source, sorted(self._databases), PATIENCE) as quiet:
            self._last()
            make()
            self._follow(self._foreign.again(self._remembered), quiet=quiet)
        self._sync()

    def settle(self) -> None:
        """After the step: bring what the service did in the source up to it, or by an open folder since, to where it works now."""
        with still(self._source, sorted(self._databases), PATIENCE) as quiet:
            self._follow(self._foreign.again(self._remembered), quiet=quiet)
        self._sync()

    def resume(self, remembered: Remembered) -> None:
        """The same in another process than the one that made the step, by what that one recorded."""
        self._remembered = remembered
        self._foreign.scan()
        self._examine_all()
        with still(self._source, sorted(self._databases), PATIENCE) as quiet:
            self._foreign.again(remembered)
            self._follow(self._foreign.differences(remembered), quiet=quiet)
        self._sync()

    def _there(self) -> Remembered:
        """What `into` has of the service's that was carried there; all of it, when there is no record."""
        carried = self._setting.record.read()
        if carried is not None:
            return carried.marks
        there = Foreign(self._into, Sides(self._setting.sides.coming, self._setting.sides.coming), self._setting.ignored)
        there.scan()
        return there.marks()

    def _last(self) -> None:
        """Quick passes until one finds nothing: the last is as short as can be."""
        for _ in range(_ROUNDS):
            changes = self._foreign.again(self._remembered)
            if not changes and not self._foreign.blocking:
                return
            self._bring(changes, note=True)

    def _bring(self, changes: list[Difference], *, note: bool) -> None:
        if self._foreign.blocking:
            raise TargetMoved(
                f"{listed(sorted(self._foreign.blocking))} belongs to the service, and stands where the change puts a file.",
                hint="Move it away, or keep it by `promote.keep`.",
            )
        carrier = self._carrier(live=False)
        for change in changes:
            mark = carrier.bring(change)
            remember(self._remembered, change.path, mark)
            if note:
                self._setting.record.add(change.path, mark)
            self._examine(change)
        self._dirty |= carrier.dirty

    def _follow(self, changes: list[Difference], *, quiet: frozenset[bytes]) -> None:
        """Into a folder that the service works in: what it does there is right, and what was brought once is not brought again.

        What SQLite keeps beside a database is brought, and removed, only of those that are `quiet`: of any other it may be gone in a
        moment, or be needed by now. A log that is gone in the source was written back by whoever had it open there, and one that stayed
        in `into` would be written back once more, over what was written since.
        """
        carrier = self._carrier(live=True)
        for change in sorted(changes, key=lambda change: (change.now is None, change.path if change.now else b"")):
            database = _database_of(change.path)
            if database in self._databases and database not in quiet:
                continue
            carrier.bring(change)
            remember(self._remembered, change.path, change.now)
            self._setting.record.add(change.path, change.now)
        self._dirty |= carrier.dirty

    def _carrier(self, *, live: bool) -> Carrier:
        self._into.forget()
        setting = self._setting
        return Carrier(Way(self._source, self._into, setting.sides.coming, setting.run, setting.own), live=live)

    def _examine(self, change: Difference) -> None:
        """Note a database, forget what is none any more."""
        if change.now and change.now.kind == "f" and is_database(self._source, change.path):
            self._databases.add(change.path)
        else:
            self._databases.discard(change.path)

    def _examine_all(self) -> None:
        for path, mark in flat(self._foreign.marks()):
            self._examine(Difference(path, None, mark))

    def _note(self) -> None:
        self._setting.own()
        sides = self._setting.sides
        heading = Heading(self._source.number, self._into.number, sides.leaving.tree, sides.coming.tree)
        self._setting.record.write(heading, self._remembered)

    def _sync(self) -> None:
        for folder in sorted(self._dirty):
            with suppress(Gone):  # it vanished, and nothing of it is left to be kept
                os.fsync(self._into.folder(folder))
        self._dirty = set()


def _database_of(path: bytes) -> bytes:
    """The database that a file beside it belongs to, by its name; empty for anything else."""
    return next((path[: -len(end)] for end in BESIDE if path.endswith(end)), b"")
