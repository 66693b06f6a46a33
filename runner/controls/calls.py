"""Calls to make on both trees: what one is, where it comes from, and how many there are."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from runner.controls.spelling import spelt
from runner.model.value import Value

NOTHING = "((), {})"
Target = tuple[str, str]
"""Module and qualified name."""


class RecordedCall(NamedTuple):
    """A call that the base's suite made, in literal texts: a tuple, a dictionary and, for methods, a pair of both for the constructor."""

    module: str
    name: str
    """Qualified, such as `f`, `Class.method` or `Class.__init__`, as it is reached in the module."""
    args: str
    kwargs: str
    own: str | None = None
    defined: Target | None = None
    """Module and qualified name of the definition, where it is inherited."""
    ours: bool = False
    """Whether no test made it: its values alone were recorded."""
    passed: bool = False
    """Whether it goes by way of a module that takes the name from another."""

    @property
    def target(self) -> Target:
        """Where the function is defined."""
        return self.defined or (self.module, self.name)


class Call(Value):
    """One call to make on both trees."""

    module: str
    name: str
    args: str
    kwargs: str
    own: str | None = None
    origin: Literal["recorded", "neighbour", "retyped", "default"]
    """`retyped`: a neighbour with a value of another type, such as a whole number for a `float`."""
    target: Target
    """Module and qualified name of the function whose behaviour it shows."""
    passed: bool = False
    """As a recorded one's: a module that no longer takes the name from another had it for itself, perhaps."""

    @property
    def item(self) -> Mapping[str, object]:
        """As the program inside takes it."""
        return {"module": self.module, "name": self.name, "args": self.args, "kwargs": self.kwargs, "self": self.own}

    @property
    def text(self) -> str:
        """As source text for people; hostile."""
        own = f" of an object made with {spelt(self.own)}" if self.own not in (None, NOTHING) else ""
        return f"{self.module}.{self.name}{spelt(f'({self.args}, {self.kwargs})')}{own}"


class Few(Value):
    """How many calls are made."""

    recorded: int = 30
    """Recorded calls of one function."""
    neighbours: int = 30
    """Neighbours of the recorded calls of one function."""
    most: int = 1500
    """All calls together; each function keeps its first."""


class Planned(NamedTuple):
    """The calls, and the changed functions, each with those whose calls show its behaviour: itself and, for a private one, its users.

    A class stands among them where its body differs, or it gains or loses a function; and so does a name that a module passes on.
    """

    calls: tuple[Call, ...]
    changed: Mapping[Target, frozenset[Target]]
    differing: tuple[str, ...] = ()
    """Paths of changed files that do not define the same any more, whether or not anything in them can be called."""
