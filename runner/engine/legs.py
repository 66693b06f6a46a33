"""The legs that this process carries: each step of theirs is on disk before the next begins, and only while the leg is this process's."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from threading import Condition, Event
from typing import Final

from runner.engine import outcome
from runner.engine.room import Room, is_early, name_of
from runner.errors import StoreUnavailable

_LOOK: Final = 0.5
_LOOK_SOON: Final = 0.02
"""Seconds between two looks at whether a run has ended: in another process, and here."""
_SANDBOXED: Final = ("check", "trial")
"""The steps, by the last word of their names, that need a slot: a check is one step."""
TRIED: Final = ("trial", "backup")
"""The steps after which a leg comes to a sandbox no more, unless its target moves: what is restored has no trial."""
_TRIES: Final = 600
"""How often a watcher goes on with a leg that cannot use the record, at most once a second, until that is what it came to."""

Checkpoint = Callable[[str, Callable[[], str]], str]
"""`checkpoint(name, step)` gives what `step` returns, or raises what it raises; after a crash it tells that again, and runs nothing.

The names must come in the same order again. To be called in the thread, and not within a step, of the run.
"""
Work = Callable[[str, int, Checkpoint], str]
"""`work(run, leg, checkpoint)` carries one leg of a run to its end, and returns what it came to as JSON text."""

log = logging.getLogger(__name__)


class Stopped(BaseException):
    """This process does not go on with a run, which stays unfinished: it is to end, the run is another's now, or nothing can be kept."""


class Legs:
    """The legs of this process, which carries them out with `work` as far as `room` lets it. Any thread may call it.

    `lasting`: where the record cannot be used, somebody goes on with the leg; else that is what it came to.
    """

    def __init__(self, work: Work, room: Room, *, lasting: bool) -> None:
        self.executor = ""
        """The id of this process, once it has one."""
        self.stopping = Event()
        """Set when this process is to end: a step that takes long may look at it."""
        self._work, self._room, self._lasting = work, room, lasting
        self._moved = Condition()
        self._running: dict[str, object] = {}
        self._ended: set[str] = set()
        self._broken: dict[str, BaseException] = {}
        self._tries: Counter[str] = Counter()
        self._begun: set[str] = set()
        """What this process began and has not seen the end of: whoever is to look for it looks for the process."""

    @property
    def running(self) -> int:
        """How many are carried at this moment."""
        return len(self._running)

    @property
    def unseen(self) -> bool:
        """Whether something began here whose end was not seen."""
        return bool(self._begun)

    @property
    def broken_off(self) -> list[str]:
        """What had to stop here."""
        with self._moved:
            return list(self._broken)

    def has(self, name: str) -> bool:
        """Whether a leg is carried at this moment, or had to stop here."""
        with self._moved:
            return name in self._running or name in self._broken

    def own(self, names: Iterable[str]) -> None:
        """These began here."""
        with self._moved:
            self._begun.update(names)

    def taken_over(self, name: str) -> None:
        """What had to stop here goes on somewhere."""
        with self._moved:
            self._broken.pop(name, None)

    def seen(self, name: str) -> None:
        """The end of a leg is known to whoever waited for it."""
        with self._moved:
            self._begun.discard(name)
            self._ended.discard(name)

    def carries(self, run: str) -> bool:
        """Whether some leg of a run is carried at this moment, or has just been, and its end is not on disk yet."""
        with self._moved:
            return any(name.rpartition(".")[0] == run for name in (*self._running, *self._ended))

    def rest(self, seconds: float) -> None:
        """Wait until nothing is carried any more, or for so long."""
        with self._moved:
            self._moved.wait_for(lambda: not self._running, seconds)

    def moved(self, name: str, *, known: bool, deadline: float | None) -> BaseException | None:
        """Wait until it is time to look at a leg again, which was `known` by the last look; what stopped it here, if anything did.

        Raises LookupError where it ended here and was forgotten, TimeoutError at the `deadline` of the monotonic clock.
        """
        with self._moved:
            if not known and name in self._ended:  # its end was on disk, or nobody could have forgotten it
                self._begun.discard(name)
                self._ended.discard(name)
                raise LookupError(f"run {name} was forgotten")
            if name in self._broken:
                return self._broken[name]
            pause = _LOOK_SOON if name in self._ended else _LOOK
            if deadline is not None and (pause := min(pause, deadline - time.monotonic())) <= 0:
                raise TimeoutError(f"run {name} goes on")
            self._moved.wait(pause)
        return None

    # ── what the library calls ──────────────────────────────────────────────────────────────────────────────────────────

    def carry(self, run: str, leg: int) -> str:
        """The workflow: what comes of a leg of a run, as `outcome` writes it. Raises Stopped."""
        name = name_of(run, leg)
        if self.stopping.is_set():
            raise Stopped(name)
        with self._room.leg(name, early=is_early(leg)) as token:
            return self._carried(run, leg, token)

    def _carried(self, run: str, leg: int, token: object) -> str:
        name = name_of(run, leg)
        with self._moved:
            self._running[name] = token
            self._ended.discard(name)
            self._broken.pop(name, None)
        problems: list[Exception] = []
        try:
            came_to = outcome.told(lambda: self._work(run, leg, partial(self._checkpoint, name, token)), problems)
            self._is_kept(name, problems)
        except BaseException as problem:
            with self._moved:
                if isinstance(problem.__cause__, Exception):
                    self._broken[name] = problem.__cause__
                    log.warning("run %s stopped here: %s", name, problem.__cause__)
            raise
        else:
            with self._moved:
                self._ended.update(self._begun & {name})
            return came_to
        finally:
            with self._moved:
                if self._running.get(name) is token:
                    del self._running[name]
                self._moved.notify_all()

    def _checkpoint(self, run: str, token: object, name: str, step: Callable[[], str]) -> str:
        from dbos import DBOS, error

        problems: list[Exception] = []
        word = name.rpartition(".")[2]

        def told() -> str:
            if word not in _SANDBOXED:
                return ours()
            with self._room.slot(token, self.stopping, new=word == "check") as had:
                if not had:
                    raise Stopped(run)
                return ours()

        def ours() -> str:
            self._is_ours(run, token)
            came_to = outcome.told(step, problems)
            self._is_kept(run, problems)
            return came_to

        if self.stopping.is_set():
            raise Stopped(run)
        try:
            came_to = DBOS.run_step({"name": name}, told)
        except (Exception, error.DBOSBaseException) as problem:  # none of the step's: it could not be kept, or is not ours to keep
            raise Stopped(run) from problem
        if word in TRIED:  # also where that was before a crash, and it was only told again
            self._room.passed(token)
        if problems:
            raise problems[0]
        return outcome.heard(came_to)

    def _is_kept(self, name: str, problems: list[Exception]) -> None:
        """Raises Stopped where the record could not be used: that is nothing that a run came to. A watcher goes on with it, for a while."""
        if not self._lasting or not problems or not isinstance(problems[0], StoreUnavailable):
            return
        self._tries[name] += 1
        if self._tries[name] < _TRIES:
            raise Stopped(name) from problems[0]

    def _is_ours(self, name: str, token: object) -> None:
        """Before a step begins; whether it still is when it ends, the library sees to in the transaction that keeps it.

        Who was taken for dead and thaws may find its own work in its own queue: then the thread that had it stops, and another goes on.
        """
        from dbos import DBOS

        with self._moved:
            if self._running.get(name) is not token:
                raise Stopped(name)
        try:
            status = DBOS.get_workflow_status(name)
        except Exception as problem:  # the library would keep it as what the step came to
            raise Stopped(name) from problem
        if status is None or status.status != "PENDING" or status.executor_id != self.executor:
            raise Stopped(name)
