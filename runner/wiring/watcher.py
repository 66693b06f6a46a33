"""`seatrial watch`: a process that looks after every run."""

import time

from runner.git.scratch import sweep
from runner.ports import Progress
from runner.store.executors import WATCH
from runner.wiring.carrying import stores
from runner.wiring.process import Carrying, carrying, told_of
from runner.wiring.rounds import TICK, rounds, until_asked_to_end
from runner.wiring.voice import Named


def watch(progress: Progress, *, once: bool = False) -> None:
    """Look after every run: take over what dead processes left, end holds, enforce deadlines; until this process is asked to end.

    `once`: until nothing is left to do; what breaks then is raised.
    """
    with carrying(WATCH, lambda run: Named(run, progress)) as process:
        progress.note(f"watching as {process.executor.id}")
        for folder in (process.where.state / "objects").glob("*"):  # of runs that were killed before they were on file
            sweep(folder)
        turn = _Turn(process, progress)
        if once:
            while turn():
                time.sleep(TICK)
            return
        with rounds(turn, progress.note):
            until_asked_to_end()


class _Turn:
    """Looks after runs, and says what was taken over, and what became of it; whether anything is left to do."""

    def __init__(self, process: Carrying, progress: Progress) -> None:
        self._process, self._progress = process, progress
        self._taken: set[str] = set()

    def __call__(self) -> bool:
        executor, note = self._process.executor, self._progress.note
        with stores(self._process.where) as kept:
            for run in self._process.keeper.look(kept, everything=True):
                self._taken.add(run)
                note(f"run {run}: taken over")
            over = {run for run in self._taken if not executor.begun(run, kept.submissions.load(run).leg)}
            for run in sorted(over):
                note(f"run {run}: {told_of(kept.submissions.load(run).run)}")
            self._taken -= over
            return bool(self._taken or kept.promotions.open() or kept.submissions.running() or executor.busy())
