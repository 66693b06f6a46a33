"""The section `controls` of the policy: which controls against forged results run, and what follows from what they leave open."""

from typing import Literal

from runner.model.units import Duration
from runner.model.value import Value

Name = Literal["probe", "docstrings", "twins", "dead-body", "coverage"]
NAMES: tuple[Name, ...] = ("probe", "docstrings", "twins", "dead-body", "coverage")
Open = Literal["warn", "hold"]


class Controls(Value):
    """Which controls against forged results run, how long they may take, and what follows from what they leave open."""

    run: tuple[Name, ...] = NAMES
    """The controls that run, whatever their order here: that of their measured gain is kept.

    `probe` calls changed functions in a plain interpreter elsewhere; `docstrings` runs the base's examples there; `twins` expects wrong
    results, which must be red; `dead-body` has changed functions raise, which must be red; `coverage` lists changed lines that no test
    of the base runs. `[]` turns all of them off.
    """
    budget: Duration = 60.0
    """Wall time of all controls of one change; those whose turn comes later do not run, which `unproven` says more of."""
    unproven: Open = "warn"
    """What follows when a control can say nothing: no test of the base runs what was changed, or its time was up."""
    uncovered: Open = "warn"
    """What follows when tests of the base do not run all changed lines."""
