"""The straight line of a run: its stages in order, how long each took, and where it is."""

from collections.abc import Mapping
from typing import Final, NamedTuple

_CHECK: Final = ("preflight", "validate", "trial")
_LANDING: Final = ("backup", "promote", "monitor", "settle")
_LINES: Final = {"check": _CHECK, "submit": (*_CHECK, *_LANDING), "restore": _LANDING}
_PARTS: Final = {"preflight": ("aim",), "trial": ("image", "controls")}
"""What is timed by itself, and belongs to a stage."""
DONE, NOW, HERE, AHEAD, LEFT = "done", "now", "waits here", "ahead", "not reached"


class Stage(NamedTuple):
    """One stage: `seconds` with its parts, `None` where it was not reached."""

    name: str
    standing: str
    seconds: float | None
    parts: tuple[tuple[str, float], ...]


def line(command: str, state: str, timings: Mapping[str, float]) -> tuple[Stage, ...]:
    """The stages of a run, by what its report or its last stage says it took."""
    names = _LINES.get(command, _CHECK)
    reached = max((number for number, name in enumerate(names) if name in timings), default=-1)
    return tuple(_stage(name, _standing(number, reached, state), timings) for number, name in enumerate(names))


def _standing(number: int, reached: int, state: str) -> str:
    if number <= reached:
        return DONE
    if number == reached + 1 and state in ("running", "held"):
        return NOW if state == "running" else HERE
    return LEFT if state == "ended" else AHEAD


def _stage(name: str, standing: str, timings: Mapping[str, float]) -> Stage:
    parts = tuple((part, timings[part]) for part in _PARTS.get(name, ()) if part in timings)
    seconds = timings[name] + sum(took for _, took in parts) if name in timings else None
    return Stage(name, standing if seconds is not None or standing != DONE else "not asked", seconds, parts)
