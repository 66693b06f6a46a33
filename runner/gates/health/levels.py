"""Which limits a reading breaches."""

from runner.gates.health.options import Signal
from runner.gates.health.signals import Reading, Status, Value
from runner.gates.health.states import Level
from runner.model.threshold import Comparison, Threshold


def level(reading: Reading | None, limits: Signal) -> Level | None:
    """The worst over all values; `None` when nobody knows. A signal that the machine lacks, or that has no limits, breaches nothing."""
    if (reading is not None and reading.status is Status.ABSENT) or not (limits.soft.parts or limits.hard.parts):
        return Level.GOOD
    if reading is None or reading.status is Status.UNREADABLE:
        return None
    if reading.status is Status.SILENT:
        return Level.HARD if limits.hard.parts else Level.SOFT
    try:
        return max((_level(value, limits) for value in reading.values), default=None)
    except KeyError:  # kept by a version that measured it in other units
        return None


def _level(value: Value, limits: Signal) -> Level:
    if limits.hard.met(value.values):
        return Level.HARD
    return Level.SOFT if limits.soft.met(value.values) else Level.GOOD


def worst(reading: Reading, limits: Signal) -> Value | None:
    """The value that counts: in the deepest breach, and of those the nearest to its limit."""
    if not reading.values:
        return None
    sign = next((part.sign for part in (*limits.hard.parts, *limits.soft.parts)), "<" if _falls(reading) else ">")
    direction = 1 if sign == "<" else -1
    return min(reading.values, key=lambda value: (-(_safe(value, limits)), [direction * number for number in value.values.values()]))


def _safe(value: Value, limits: Signal) -> int:
    try:
        return int(_level(value, limits))
    except KeyError:
        return 0


def _falls(reading: Reading) -> bool:
    """Whether little of it is bad: what is free is told with its size."""
    return any(len(value.values) > 1 for value in reading.values)


def limit_of(limits: Signal, at: Level) -> Threshold:
    """The threshold of a level; a signal that lacks one goes by the other."""
    return limits.hard if limits.hard.parts and (at is Level.HARD or not limits.soft.parts) else limits.soft


def nearness(value: Value, threshold: Threshold) -> float:
    """How near a value is to a threshold that it does not meet: 0 is far, 1 is there."""
    return min((_near(part, value.values[part.unit]) for part in threshold.parts), default=0.0)


def _near(part: Comparison, value: float) -> float:
    over, under = (part.limit, value) if part.sign == "<" else (value, part.limit)
    return over / under if under else 1.0
