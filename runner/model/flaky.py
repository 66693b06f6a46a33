"""What is known of tests that do not always answer the same: counts of one trial, and of all trials so far."""

from typing import NamedTuple

from pydantic import Field

from runner.model.value import Value

MOST_COUNTED = 1000
"""Runs of a test that are counted before all of its counts are halved, so that what it is like now weighs more than what it was."""


class Tally(NamedTuple):
    """How often a test ran with a result, and how many of these runs failed."""

    runs: int = 0
    failures: int = 0

    @property
    def wavers(self) -> bool:
        """Whether some runs failed, and not all."""
        return 0 < self.failures < self.runs

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.runs + other.runs, self.failures + other.failures)


class Past(Value):
    """A test that wavered at least once: its runs since, and the failures that passed when run again over the same tree."""

    runs: int = Field(ge=0)
    failures: int = Field(ge=0)
    seen: float = Field(ge=0, le=1e11)
    """When it last wavered, in seconds since 1970."""
    base: str
    """The base tree of the trial in which it did."""

    @property
    def rate(self) -> float:
        """The estimated share of its runs that fail by chance: (failures + 1) / (runs + 2), Laplace's rule, which is never 0 and never 1."""
        return (self.failures + 1) / (self.runs + 2)
