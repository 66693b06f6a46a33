"""The pre-flight gates: each judges before anything runs. One line here registers a gate."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from runner.ports import Gate

REGISTERED: tuple[str, ...] = ("health", "anomaly", "breaker", "rate")
"""The gates in the order in which they answer (DESIGN §2: health, anomaly, breaker, rate), by module of this package with a `gate`."""


@cache
def gates() -> "tuple[Gate, ...]":
    """The registered gates; imported when they are first asked for."""
    return tuple(cast("Gate", import_module(f"{__name__}.{name}").gate) for name in REGISTERED)
