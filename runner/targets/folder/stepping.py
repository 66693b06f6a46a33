"""One step of a folder in the order that matters, whichever way it is made: carry, look once more, step, sync, carry what came in between."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from runner.crashpoints import crashpoint
from runner.errors import TargetMoved
from runner.targets.folder.carrying import Carrier, Way
from runner.targets.folder.crossing import Crossing, Setting
from runner.targets.folder.descent import Descent
from runner.targets.folder.foreign import Difference, mark_at
from runner.targets.folder.managed import Found, Known, differing, id_length, listed, read, recheck
from runner.targets.folder.names import Names


class Step(NamedTuple):
    """One step: from which folder to which, and how it is made."""

    source: Path
    into: Path
    setting: Setting
    found: dict[bytes, Found]
    """The managed files of `source` as they were read."""
    known: Known
    change: Callable[[], None]
    """The atomic step; raises TargetMoved or Fenced, and has done nothing then."""
    sync: Callable[[], None]


def forward(step: Step) -> None:
    """Make the target new. Raises TargetMoved, Fenced, Unlinkable, OSError."""
    with Crossing(step.source, step.into, step.setting) as crossing:
        crossing.carry()
        crashpoint("folder.carried.last")
        _unedited(step)

        def change() -> None:
            crashpoint("folder.swap.before")
            step.change()
            crashpoint("folder.swap.after")

        crossing.step(change)
        step.sync()
        crashpoint("folder.swap.synced")
        crossing.settle()  # somebody may have been on a path into the old folder when the step was made
        crashpoint("folder.carried.back")


def back(step: Step) -> None:
    """Make the target old again. Raises as `forward` does."""
    with Crossing(step.source, step.into, step.setting) as crossing:
        crossing.carry()
        crashpoint("folder.back.carried")
        _unedited(step)

        def change() -> None:
            crashpoint("folder.back.swap.before")
            step.change()
            crashpoint("folder.back.swap.after")

        crossing.step(change)
        step.sync()
        crashpoint("folder.back.synced")
        crossing.settle()


def settled(source: Path, into: Path, setting: Setting) -> None:
    """Bring what was not carried yet from a folder that has left to the one that is live, if there is a record of it. Raises OSError, Fenced."""
    carried = setting.record.read()
    if carried is None or carried.heading.source != source.lstat().st_ino:
        return
    with Crossing(source, into, setting) as crossing:
        crossing.resume(carried.marks)


def rescue(source: Path, into: Path, setting: Setting, known: Known) -> None:
    """What somebody made of a managed file in a folder that has left, and that is about to go, is kept in the live one under another name.

    Raises OSError, Fenced.
    """
    leaving = setting.sides.leaving
    found = read(source, leaving.files, id_length(leaving.tree), known)
    edited = [path for path in differing(found, leaving, leaving.files) if path in found]
    with Descent(source) as old, Descent(into) as live:
        carrier = Carrier(Way(old, live, setting.sides.coming, setting.run, setting.own), live=True)
        for path in edited:
            carrier.bring_beside(Difference(path, None, mark_at(old, path)))


def removed(doomed: tuple[tuple[Names, Path], ...], sweeping: tuple[Names, ...], *, out_since: float, grace: float) -> None:
    """Remove folders that are out of the way since `out_since` (seconds since 1970), once that is `grace` seconds. Raises OSError."""
    time.sleep(min(grace, max(0.0, out_since + grace - time.time())))
    for names, folder in doomed:
        names.discard(folder)
    crashpoint("folder.tidy.renamed")
    for names in sweeping:
        names.sweep()
    crashpoint("folder.tidy.removed")


def _unedited(step: Step) -> None:
    edited = recheck(step.source, step.setting.sides.leaving, step.found, step.known)
    if edited:
        raise TargetMoved(f"{listed(edited)} was changed by somebody else meanwhile.")
