"""What every probe has in common: its keys, what it may touch, and that it answers in its time whatever happens."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from runner.model.units import Duration, show_duration
from runner.model.value import Value
from runner.probes.reading import Reading, no_data

GRACE: Final = 0.25
"""Seconds that a probe has beyond its time-out to say itself that it was too slow; then it counts as hanging."""
_LONGEST_NAME: Final = 60

Fault = tuple[tuple[str | int, ...], str]
"""The path below a probe (or below `monitor`) of the key to blame, and what is to be said."""


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST_NAME:
        raise ValueError(f"a name is 1 to {_LONGEST_NAME} printable characters, e.g. health")
    return text


class Common(Value):
    """The keys of every probe."""

    name: Annotated[str, AfterValidator(_name)] | None = None
    """What it is called in reports; left out: its kind and what it asks."""
    interval: Annotated[Duration, Field(ge=0.01)] = 1.0
    """How often it is asked."""
    timeout: Annotated[Duration, Field(ge=0.01)] = 1.0
    """How long an answer may take; where one is awaited, a later one is a failure."""
    no_data: Literal["nothing", "fail"] = "nothing"
    """What an answer that could not be had counts as: `nothing`, or `fail`. Either way it never passes."""


@dataclass(frozen=True)
class Context:
    """What a reading may touch."""

    tree: str = ""
    """The tree that was promoted, by git's id; empty where none was yet: then no answer is compared with it."""
    started: float = 0.0
    """When the watch began, by `monotonic`."""
    host: Callable[[], Reading] | None = None
    """Takes a sample of this machine and judges it; may block, and may raise."""
    suite: Callable[[], Reading] | None = None
    """Runs the tests in a sandbox over the promoted tree; may block, and may raise."""
    cancelled: Event = field(default_factory=Event)
    """Set once nobody wants the readings any more."""
    monotonic: Callable[[], float] = time.monotonic

    @property
    def elapsed(self) -> float:
        """Seconds since the watch began."""
        return self.monotonic() - self.started


class Probe:
    """One question, asked again and again. A kind of probe is a class that names this one as its base; an object may remember readings."""

    kind: ClassVar[str]
    Options: ClassVar[type[Common]]
    """Its keys: those common to all, one that is named like the kind, and what may stand beside it."""
    preset: ClassVar[Mapping[str, Any]] = {}
    """Values of common keys for this kind when the policy does not give them."""
    conclusive: ClassVar[bool] = False
    """Whether one answer says all; it is not asked again then."""
    timed: ClassVar[bool] = False
    """Whether the seconds of its answers can be compared with those taken before the promotion."""

    def __init__(self, name: str, options: Any) -> None:
        self.name = name
        self.options = options
        self._asking: Thread | None = None

    @classmethod
    def subject(cls, options: Any) -> str:
        """What it asks, in a few words, for its name."""
        raise NotImplementedError

    @classmethod
    def faults(cls, options: Any) -> Iterable[Fault]:  # noqa: ARG003
        """What is wrong with options that are right key by key."""
        return ()

    def measure(self, context: Context) -> Reading:
        """One reading; should keep to the time-out, and may raise anything."""
        raise NotImplementedError

    def take(self, context: Context) -> Reading:
        """One reading within the time-out and `GRACE`, whatever the probe does; of one that breaks or hangs: no data, and why.

        Is never asked twice at once: one that hangs still is not asked again.
        """
        if self._asking is not None and self._asking.is_alive():
            return self._stamped(no_data("an earlier reading hangs still"), context)
        answers: list[Reading] = []
        self._asking = Thread(target=self._ask, args=(context, answers), name=f"probe {self.name}", daemon=True)
        try:
            self._asking.start()
        except RuntimeError as problem:  # too many threads
            self._asking = None
            return self._stamped(no_data(f"it could not be asked: {problem}"), context)
        self._asking.join(self.options.timeout + GRACE)
        if self._asking.is_alive():
            answer = no_data(f"it hangs: no reading within {show_duration(self.options.timeout)}")
        else:
            answer = answers[0] if answers else no_data("it broke without a reason")
        return self._stamped(answer, context)

    def _ask(self, context: Context, answers: list[Reading]) -> None:
        try:
            answers.append(self.measure(context))
        except Exception as problem:  # noqa: BLE001  a probe that breaks has measured nothing, whatever broke it
            answers.append(no_data(f"it broke: {type(problem).__name__}: {problem}"))

    def _stamped(self, answer: Reading, context: Context) -> Reading:
        return answer.stamped(self.name, context.elapsed)
