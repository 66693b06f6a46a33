"""The section `controls` of the policy: which controls against forged results run, and what follows from what they leave open."""

from typing import Literal

from runner.controls.tripwires import Options as Tripwires
from runner.model.units import Duration
from runner.model.value import Value

Name = Literal["tripwires", "probe", "docstrings", "twins", "dead-body", "revert", "coverage", "mutants"]
NAMES: tuple[Name, ...] = ("tripwires", "probe", "docstrings", "twins", "dead-body", "revert", "coverage", "mutants")
"""In the order of their turn."""
Open = Literal["warn", "hold"]


class Controls(Value):
    """Which controls against forged results run, how long they may take, and what follows from what they leave open."""

    run: tuple[Name, ...] = NAMES[:-1]
    """The controls that run, whatever their order here: that of their measured gain is kept.

    `tripwires` reads added code for what asks about the test runner, the clock or chance and steers by it; `probe` calls changed
    functions in a plain interpreter elsewhere; `docstrings` runs the base's examples there; `twins` expects wrong results, which must
    be red; `dead-body` has changed functions raise, which must be red; `revert` runs the change's new tests without the rest of it,
    where those of a fix fail; `coverage` lists changed lines that no test of the base runs; `mutants` breaks changed lines one by one,
    which tests of the base must notice (about a second each, and almost half of all honest changes have survivors). `[]` turns all
    of them off.
    """
    tripwires: Tripwires = Tripwires()
    """What follows from each kind of tripwire."""
    budget: Duration = 60.0
    """Wall time of all controls of one change; those whose turn comes later do not run, which `unproven` says more of."""
    unproven: Open = "warn"
    """What follows when a control can say nothing: no test of the base runs what was changed, or its time was up."""
    uncovered: Open = "warn"
    """What follows when tests of the base do not run all changed lines."""
    survivors: Open = "warn"
    """What follows when no test of the base notices a mutant."""
