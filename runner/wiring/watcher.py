"""`seatrial watch`: a process that looks after every run."""

import time

from runner.errors import StoreUnavailable
from runner.git.scratch import sweep
from runner.ports import Progress
from runner.store.executors import WATCH
from runner.wiring.carrying import stores
from runner.wiring.keeper import TICK
from runner.wiring.process import carrying, told_of
from runner.wiring.voice import Named


def watch(progress: Progress, *, once: bool = False) -> None:
    """Look after every run: take over what dead processes left, end holds, enforce deadlines; until this process is asked to end."""
    with carrying(WATCH, lambda run: Named(run, progress)) as process:
        progress.note(f"watching as {process.executor.id}")
        for folder in (process.where.state / "objects").glob("*"):  # of runs that were killed before they were on file
            sweep(folder)
        taken: set[str] = set()
        while True:
            try:
                with stores(process.where) as kept:
                    for run in process.keeper.look(kept, everything=True):
                        taken.add(run)
                        progress.note(f"run {run}: taken over")
                    over = {run for run in taken if not process.executor.begun(run, kept.submissions.load(run).leg)}
                    for run in sorted(over):
                        progress.note(f"run {run}: {told_of(kept.submissions.load(run).run)}")
                    taken -= over
                    if once and not (taken or kept.promotions.open() or kept.submissions.running() or process.executor.busy()):
                        return
            except StoreUnavailable as problem:
                if once:
                    raise
                progress.note(f"the record cannot be used at this moment: {problem}")
            time.sleep(TICK)
