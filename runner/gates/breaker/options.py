"""The keys of the policy's section `preflight.breaker`, and what is wrong with values that are right one by one."""

import math
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from runner.model.units import Duration, Percent, duration, exact_duration, show_duration, show_percent
from runner.model.value import Value

MOST: Final = 1000
"""Outcomes that a window holds at most, of either kind."""
_DAY: Final = 86400.0


def _window(text: object) -> object:
    if isinstance(text, str) and text.strip().isascii() and text.strip().isdigit():
        return int(text) if len(text) < 10 else MOST + 1  # noqa: PLR2004  longer numbers are too large anyway
    try:
        return duration(text)
    except ValueError as problem:
        raise ValueError(f"{problem}; or a bare number for so many outcomes, e.g. 20") from None


Window = Annotated[
    int | float,
    BeforeValidator(_window),
    PlainSerializer(lambda window: window if isinstance(window, int) else exact_duration(window), when_used="json"),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)\s*$"}]},
    ),
]
"""An `int` is so many outcomes, a `float` so many seconds; in a policy `20` and `10m`."""
Calls = Annotated[int, Field(ge=1, le=MOST)]
Permits = Annotated[int, Field(ge=1, le=100)]
Growth = Annotated[float, Field(ge=1, le=100)]


class Advanced(Value):
    """What seldom needs another value."""

    window: Window
    """What the failure rate is counted over: so many of the last outcomes, e.g. 20, or those of a time, e.g. 10m."""
    minimum_calls: Calls
    """Outcomes in the window below which the failure rate is not looked at."""
    growth: Growth = 2.0
    """By how much the wait is multiplied each time that a probe fails."""
    max_wait: Duration
    """The longest that the wait grows to."""
    jitter: Percent = 0.1
    """How far a wait may differ from its length, up or down, so that not everybody comes back at once."""
    permits: Permits = 1
    """Runs that may probe at once after the wait; so many must succeed before the breaker closes."""
    lease: Duration
    """How long a probe may take before its permit is given to another; longer than the longest run."""
    max_duration: Duration
    """How long the breaker waits for its probes before it opens again."""


class Breaker(Value):
    """When one breaker opens, and for how long."""

    consecutive: Annotated[int, Field(ge=0, le=MOST)]
    """Failures in a row that open it; 0 for never."""
    failure_rate: Percent
    """The share of failures in the window that opens it; 0% for never."""
    wait: Duration
    """How long it stays open before a run may probe."""
    advanced: Advanced


class HostAdvanced(Advanced):
    """What seldom needs another value."""

    window: Window = 600.0
    minimum_calls: Calls = 5
    max_wait: Duration = 1800.0
    permits: Permits = 2
    lease: Duration = 2700.0
    max_duration: Duration = 3600.0


class Host(Breaker):
    """Opens for this machine when runs fail by its fault: engine, disk, image."""

    consecutive: Annotated[int, Field(ge=0, le=MOST)] = 0
    failure_rate: Percent = 0.5
    wait: Duration = 60.0
    advanced: HostAdvanced = HostAdvanced()


class PromotionAdvanced(Advanced):
    """What seldom needs another value."""

    window: Window = 10
    minimum_calls: Calls = 5
    max_wait: Duration = _DAY
    lease: Duration = 7200.0
    max_duration: Duration = 10800.0


class Promotion(Breaker):
    """Opens for a target when what was promoted to it had to be taken back."""

    consecutive: Annotated[int, Field(ge=0, le=MOST)] = 2
    failure_rate: Percent = 0.3
    wait: Duration = 900.0
    advanced: PromotionAdvanced = PromotionAdvanced()


class AuthorAdvanced(Advanced):
    """What seldom needs another value."""

    window: Window = 20
    minimum_calls: Calls = 10
    max_wait: Duration = 21600.0
    lease: Duration = 7200.0
    max_duration: Duration = 10800.0


class Author(Breaker):
    """Opens for an author of a target whose changes are rejected; machines fail often, so this only stops a stuck loop."""

    consecutive: Annotated[int, Field(ge=0, le=MOST)] = 0
    failure_rate: Percent = 0.8
    wait: Duration = 600.0
    advanced: AuthorAdvanced = AuthorAdvanced()


class Options(Value):
    """The breakers, each with a key of its own, so that none closes another's door."""

    host: Host = Host()
    """Runs that failed by this machine's fault; one breaker per host name."""
    promotion: Promotion = Promotion()
    """Promotions that were rolled back or got stuck; one breaker per target."""
    author: Author = Author()
    """Changes that were rejected; one breaker per target and author, and one per target for all whom nobody vouched for."""

    def of(self, name: str) -> Breaker:
        """The section of a breaker by its name."""
        found: Breaker = getattr(self, name)
        return found


NAMES: Final = tuple(Options.model_fields)
"""The breakers, in the order in which they are asked."""


def wait_of(breaker: Breaker, reopens: int) -> float:
    """Seconds that it stays open after `reopens` probes failed, before jitter: min(max_wait, wait x growth^reopens)."""
    advanced = breaker.advanced
    if reopens * math.log(advanced.growth) > math.log(advanced.max_wait / breaker.wait) + 1:  # no power of it then fits a float for sure
        return advanced.max_wait
    return min(advanced.max_wait, breaker.wait * advanced.growth**reopens)


def limits(breaker: Breaker) -> str:
    """When it opens, in words: `2 in a row, or 30% of at least 3`."""
    row = f"{breaker.consecutive} in a row" if breaker.consecutive else ""
    rate = f"{show_percent(breaker.failure_rate)} of at least {breaker.advanced.minimum_calls}" if breaker.failure_rate else ""
    return ", or ".join(part for part in (row, rate) if part)


def faults(options: Options) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What can never work, by the path below `preflight.breaker`."""
    for name in NAMES:
        for path, what in _faults(options.of(name)):
            yield (name, *path), what


def _faults(breaker: Breaker) -> Iterator[tuple[tuple[str, ...], str]]:
    advanced = breaker.advanced
    for key in ("max_wait", "lease", "max_duration", "window"):
        if not getattr(advanced, key) > 0:
            yield ("advanced", key), "give more than 0"
    if not breaker.wait > 0:
        yield ("wait",), "give more than 0: a breaker that opens for no time stops nobody"
    if advanced.jitter > 0.5:  # noqa: PLR2004  half of the wait
        yield ("advanced", "jitter"), "more than 50% would leave next to nothing of a wait"
    if advanced.max_wait < breaker.wait:
        what = f"max_wait {show_duration(advanced.max_wait)} < wait {show_duration(breaker.wait)}: it never waits that long"
        yield ("wait",), what
    if advanced.max_duration < advanced.lease:
        long, short = show_duration(advanced.lease), show_duration(advanced.max_duration)
        yield ("advanced", "lease"), f"lease {long} > max_duration {short}: the breaker opens again before a probe's permit ends"
    yield from _never_opens(breaker)


def _never_opens(breaker: Breaker) -> Iterator[tuple[tuple[str, ...], str]]:
    advanced = breaker.advanced
    if not breaker.consecutive and not breaker.failure_rate:
        yield (), "neither consecutive nor failure_rate is more than 0: this breaker can never open"
    if isinstance(advanced.window, int) and advanced.window > MOST:
        yield ("advanced", "window"), f"a window holds {MOST} outcomes at most"
    elif isinstance(advanced.window, int) and breaker.failure_rate and advanced.minimum_calls > advanced.window:
        what = f"minimum_calls {advanced.minimum_calls} > window {advanced.window}: the failure rate can never open this breaker"
        yield ("advanced", "minimum_calls"), what
