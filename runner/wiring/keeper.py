"""Looks after runs that nobody works on."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from runner.errors import StoreUnavailable, UsageError
from runner.model.promotion import Step
from runner.model.result import Ending
from runner.model.run import Command, State
from runner.ports import Progress
from runner.store.places import Places
from runner.wiring.carrying import Stores
from runner.wiring.intake import queue_of
from runner.wiring.rounds import TICK

if TYPE_CHECKING:
    from runner.engine.executor import Executor

STALLED: Final = 120.0
"""Seconds beyond its deadline after which a promotion is taken from a process that lives and does nothing: taking back may take that
long, with the operator's commands."""
_LATE: Final = 5.0
"""The same for one whose process is dead."""
_LONGEST_WAIT: Final = 60.0
_AGAIN: Final = 30.0
"""Seconds after which a request that lies in a queue is looked at again: whoever took it may have broken."""

log = logging.getLogger(__name__)


class Keeper:
    """Looks after runs that nobody works on, for as long as this process lives."""

    def __init__(self, executor: "Executor", where: Places, progress: Callable[[str], Progress]) -> None:
        self._executor, self._where, self._progress = executor, where, progress
        self._found: dict[str, float] = {}
        self._handed: dict[str, float] = {}
        """Requests that wait and were seen in a queue, and when they are to be looked at again, by the monotonic clock."""
        self._waits: dict[str, tuple[float, float]] = {}
        """When a run whose leg broke off may be tried again, by the monotonic clock, and how long the next wait is."""

    def look(self, kept: Stores, *, everything: bool) -> tuple[str, ...]:
        """Go on with what dead processes left where a deadline has passed or, with `everything`, in any case; the runs taken over.

        What breaks for one run is logged, and keeps nobody from the others. Raises StoreUnavailable.
        """
        taken: list[str] = []
        for run, leg in kept.submissions.expired():
            with self._apart(run):
                taken += self._expired(run, leg, kept)
        if not everything and not self._late(kept):
            return tuple(taken)
        with self._apart("what the dead left"):
            taken += [name.rpartition(".")[0] for name in self._executor.reap()]
        for run in self._late(kept, STALLED):
            with self._apart(run):
                taken += self._thawed(run, kept)
        for run, leg in kept.submissions.running():
            with self._apart(run):
                taken += self._left(run, leg, kept, everything=everything)
        if everything:  # last, since nothing is promoted there
            self._hand_out(kept)
        return tuple(taken)

    @contextmanager
    def _apart(self, what: str) -> Iterator[None]:
        """Whatever breaks for one run must not keep this process from the others."""
        try:
            yield
        except StoreUnavailable:
            raise
        except Exception:
            if self._due(f"broke: {what}"):
                log.exception("%s could not be looked after", what)

    def _left(self, run: str, leg: int, kept: Stores, *, everything: bool) -> tuple[str, ...]:
        """A run that is in no queue, or whose leg broke off."""
        going = self._executor.begun(run, leg)
        if going is None and everything and self._lies(run):
            self._executor.hand_over(run, leg, late=kept.submissions.load(run).run.command is Command.RESTORE)
            return (run,)
        if going is False and self._broke_off(run, leg, kept):
            with suppress(UsageError):
                self._executor.carry(run, kept.submissions.set_out(run, leg, wish=kept.submissions.wished(run)))
                return (run,)
        return ()

    def _hand_out(self, kept: Stores) -> None:
        """Requests that were put on record and in no queue, since their server died in between, or that nobody could read."""
        waiting, now = kept.requests.waiting(), time.monotonic()
        self._handed = {run: self._handed[run] for run in waiting if run in self._handed}
        for run in waiting:
            if self._handed.get(run, 0.0) <= now:
                with self._apart(run):
                    self._waiting(run, kept)

    def _waiting(self, run: str, kept: Stores) -> None:
        going = self._executor.begun(run, 0)
        if going:
            self._handed[run] = time.monotonic() + _AGAIN
        elif going is False:  # unless it has moved on since it was listed
            if kept.requests.end(run, Ending.FAILED.value, "whoever read it broke; the log of that process says more"):
                log.error("request %s had no end, though nobody works on it", run)
        elif self._lies(run) and (request := kept.requests.load(run)):
            self._executor.hand_over(run, 0, queue_of(repo=request.asked.repo, target=request.asked.target))

    def _expired(self, run: str, leg: int, kept: Stores) -> tuple[str, ...]:
        """A run whose hold has ended: it ends, or is taken back."""
        with suppress(UsageError):  # another process was first
            self._executor.carry(run, kept.submissions.set_out(run, leg, wish="expire"))
            self._progress(run).note("its hold has expired")
            return (run,)
        return ()

    def _lies(self, run: str) -> bool:
        """Whether nobody has begun a run for a while: whoever put it on file a moment ago is about to."""
        return time.monotonic() - self._found.setdefault(run, time.monotonic()) > _LATE

    def _late(self, kept: Stores, beyond: float = _LATE) -> tuple[str, ...]:
        """The runs whose promotion is so many seconds beyond its deadline, and neither confirmed nor taken back."""
        now = kept.promotions.now()
        return tuple(one.run for one in kept.promotions.open() if one.deadline is not None and now > one.deadline + beyond)

    def _thawed(self, run: str, kept: Stores) -> tuple[str, ...]:
        """Take over from whoever lives and does nothing long after the deadline: it hangs or is frozen, and the fence stops it for good."""
        filed = kept.submissions.load(run)
        if not self._executor.carries(run) and self._executor.begun(run, filed.leg) and self._due(run):
            self._executor.adopt(run, filed.leg)
            return (run,)
        return ()

    def _broke_off(self, run: str, leg: int, kept: Stores) -> bool:
        """Whether a leg ended by a fault while its target waits; a run is tried again at once, then less and less often."""
        promotion = kept.promotions.find(run)
        if promotion is None or promotion.step is Step.ABANDONED:
            return False
        if kept.runs.show(run).state != State.RUNNING.value:  # it was still running when it was listed, and has ended well since
            return False
        if not self._due(run):
            return False
        try:
            self._executor.wait(run, leg, 0)
        except Exception as problem:  # noqa: BLE001 - whatever it was, the target must not be left alone
            self._progress(run).note(f"it broke off: {problem}")
        return True

    def _due(self, run: str) -> bool:
        """Whether it is time to try a run again, and then not again for a while that doubles."""
        due, pause = self._waits.get(run, (0.0, TICK))
        if time.monotonic() < due:
            return False
        self._waits[run] = (time.monotonic() + pause, min(2 * pause, _LONGEST_WAIT))
        return True
