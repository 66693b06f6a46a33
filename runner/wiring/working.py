"""A process that carries what servers were asked for, and answers nobody."""

from collections.abc import Callable
from functools import partial
from typing import Any

from runner.errors import Terminated, UsageError
from runner.git.scratch import sweep
from runner.model.configuration import Configuration
from runner.ports import Progress
from runner.store.executors import WATCH
from runner.store.places import claim, places
from runner.wiring.carrying import stores
from runner.wiring.intake import Intake
from runner.wiring.process import Carrying, carrying
from runner.wiring.rounds import rounds, until_asked_to_end
from runner.wiring.telling import telling


def work(configuration: Configuration, progress: Progress, *, labels: frozenset[str], drain: float) -> None:
    """Carry what is asked for by the names of `configuration`, until this process is asked to end.

    Then it takes nothing new, and what goes on has `drain` seconds to end; what does not is gone on with by the next start, or by others.
    Raises StoreUnavailable, UsageError where nothing can be served, InfrastructureError where the engine is not installed.
    """
    where = places()
    for folder in where.folders.values():
        claim(folder)
    with telling(where, progress) as voice:
        _work(configuration, progress, voice, labels=labels, drain=drain)


def _work(
    configuration: Configuration, progress: Progress, voice: Callable[[str], Progress], *, labels: frozenset[str], drain: float
) -> None:
    where = places()
    intake = Intake(configuration, where, voice, labels)
    if not intake.queues:
        raise UsageError("there is nothing to work for: no repository of the configuration goes with these labels")
    with carrying(WATCH, voice, intake) as process:
        for objects in (where.state / "objects").glob("*"):
            sweep(objects)
        process.executor.tell(about("worker", intake))
        named = ", ".join(intake.targets) or "no target"
        progress.note(f"working as {process.executor.id} with {intake.slots} slots for {named}")
        try:
            with rounds(partial(_look_after, process, progress), progress.note):
                until_asked_to_end()
        except (KeyboardInterrupt, Terminated):
            progress.note(f"asked to end: what goes on has {drain:g} s")
            if not process.executor.drain(drain):
                progress.note("the next start goes on with the rest")
            raise


def about(role: str, intake: Intake | None) -> dict[str, Any]:
    """What `seatrial fleet` says of a process."""
    if intake is None:
        return {"role": role}
    return {"role": role, "targets": intake.targets, "repos": intake.repos, "labels": sorted(intake.labels)}


def _look_after(process: Carrying, progress: Progress) -> None:
    with stores(process.where) as kept:
        for run in process.keeper.look(kept, everything=True):
            progress.note(f"run {run}: taken over")
