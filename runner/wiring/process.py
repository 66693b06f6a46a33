"""A process that carries runs: its own, and what the dead left."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.errors import Fenced, InfrastructureError, Terminated
from runner.model.promotion import Promotion, Step
from runner.model.result import Ending
from runner.model.run import Command, Run, State
from runner.ports import Progress
from runner.store.executors import SUBMIT
from runner.store.places import Places, claim, places
from runner.wiring.carrying import Carrier, Checkpoint, Stores, stores
from runner.wiring.intake import FETCHED, FILED, Intake
from runner.wiring.keeper import Keeper
from runner.wiring.rounds import TICK, rounds
from runner.wiring.voice import regarding

if TYPE_CHECKING:
    from runner.engine.executor import Executor

_FAREWELL: Final = 600.0
"""Seconds that a process which was asked to end takes at most to take back what it promoted."""

log = logging.getLogger(__name__)


class Carrying(NamedTuple):
    """This process while it carries runs."""

    executor: "Executor"
    carrier: Carrier
    where: Places
    progress: Callable[[str], Progress]
    keeper: "Keeper"

    def go_on(self, run: str, *, wish: str = "", was: Step | None = None) -> None:
        """Take over what the dead left, and carry the run here unless it goes on anywhere. `was`: its promotion when the wish was made."""
        self.executor.reap()
        with stores(self.where) as kept:
            filed, state = kept.submissions.load(run), state_of(kept, run)
            going = self.executor.begun(run, filed.leg)
            if going is None and state is State.RUNNING:
                self.executor.carry(run, filed.leg, late=filed.run.command is Command.RESTORE)
            elif not going and (state is State.RUNNING or _is_open(wish, state, kept.promotions.find(run), was)):
                self.executor.carry(run, kept.submissions.set_out(run, filed.leg, wish=wish))

    def follow(self, run: str, *, mine: bool = False) -> Run:
        """Wait until the run is held or has ended, wherever it is carried; asked to end meanwhile, this process cleans up first.

        `mine`: this process put the run on file, so that to end this process is to cancel the run, whoever carries it by then.
        """
        try:
            return self._followed(run)
        except (KeyboardInterrupt, Terminated):
            if self.executor.carries(run) or mine:
                self.carrier.stop(run)
                with suppress(TimeoutError, InfrastructureError, Fenced):
                    if mine and not self.executor.carries(run):
                        with stores(self.where) as kept:
                            kept.submissions.wish(run, "cancel", "", "the process that submitted it was asked to end")
                    ended = self._followed(run, _FAREWELL)
                    self.progress(run).note(f"run {run}: {told_of(ended)}")
            raise

    def _followed(self, run: str, seconds: float = math.inf) -> Run:
        """By what this process carries, and by the record: what another one carries may be forgotten by the time that it is looked for."""
        until = time.monotonic() + seconds
        with stores(self.where) as kept:
            while True:
                leg = kept.submissions.load(run).leg
                with suppress(TimeoutError, LookupError):
                    self.executor.wait(run, leg, TICK)
                over = state_of(kept, run) is not State.RUNNING and not self.executor.carries(run)
                filed = kept.submissions.load(run)  # not before: it may be over since
                if over:
                    if filed.run.state is State.ENDED:
                        self.executor.forget(run, filed.leg)
                    return filed.run
                if time.monotonic() > until:
                    raise TimeoutError(f"run {run} goes on")


@contextmanager
def carrying(role: str, progress: Callable[[str], Progress], intake: "Intake | None" = None) -> Iterator[Carrying]:
    """Make this process one that carries runs, and with `intake` one that reads what a server was asked for.

    Raises StoreUnavailable, and InfrastructureError where the engine is not installed.
    """
    from runner.engine.executor import Executor

    where = places()
    claim(where.cache)
    claim(where.state)

    def blocked(promotion: Promotion) -> None:
        """Nobody may work on what is in the way: then it is gone on with here."""
        del promotion
        executor.reap()

    carrier = Carrier(where, progress, blocked)

    def work(run: str, leg: int, checkpoint: Checkpoint) -> str:
        with regarding(run):
            if leg or intake is None:
                return carrier.work(run, leg, checkpoint)
            came_to = checkpoint("read", lambda: intake.read(run))
            if came_to == FETCHED:
                return checkpoint("check", lambda: intake.check(run))
            if came_to == FILED:
                executor.hand_over(run, 1)
            return came_to

    queues, slots = (intake.queues, intake.slots) if intake else ((), 0)
    with Executor(where.state, role=role, work=work, queues=queues, slots=slots) as executor:
        keeper = Keeper(executor, where, progress)
        with _keeping(keeper, where) if role == SUBMIT else nullcontext():
            yield Carrying(executor, carrier, where, progress, keeper)


@contextmanager
def _keeping(keeper: Keeper, where: Places) -> Iterator[None]:
    """While this process lives, look after promotions that are beyond their deadline and that nobody works on."""

    def turn() -> None:
        with stores(where) as kept:
            keeper.look(kept, everything=False)

    with rounds(turn, log.info):
        yield


def _is_open(wish: str, state: State, promotion: Promotion | None, was: Step | None) -> bool:
    """Whether a wish asks for something that nobody has done: whoever carried the run may have heard it, and ended the run by it."""
    step = promotion.step if promotion else None
    if state is not State.ENDED:
        return bool(wish)
    if step is Step.STUCK:  # it was tried, unless it was stuck before
        return bool(wish) and was is Step.STUCK
    return wish == "rollback" and step is Step.CONFIRMED


def state_of(kept: Stores, run: str) -> State:
    """Where a run is by the record; what its last stage left is not told before that is recorded, and after an approval it is old."""
    return State(kept.runs.show(run).state)


def told_of(run: Run) -> str:
    """What became of a run, in a line: also what its target holds by now, where it came as far as that."""
    if run.decision is None:
        return "it goes on"
    word = (run.decision.ending or "held").replace("_", " ")
    back = f"; {run.target} is what it was before" if run.decision.ending is Ending.ROLLED_BACK else ""
    return f"{word}: {run.decision.reason}{back}"
