"""Signals in words: values with their units, reasons, and how long until something."""

from runner.gates.health.assess import Assessed, Outlook
from runner.gates.health.signals import ROOM, SIGNALS, Status, Value
from runner.gates.health.states import Level
from runner.model.threshold import Unit
from runner.model.units import show_duration, show_size

NAMES = {**SIGNALS, ROOM: "room for this change"}
_DAY, _HOUR, _MINUTE = 86400.0, 3600.0, 60.0


def value(one: Value) -> str:
    """`1.5GiB (12%)`, `3%`, `1.2ms`."""
    share = f"{one.values[Unit.SHARE] * 100:.3g}%" if Unit.SHARE in one.values else ""
    if Unit.TIME in one.values:
        seconds = one.values[Unit.TIME]
        return f"{seconds:.3g}s" if seconds >= 1 else f"{seconds * 1000:.3g}ms"
    return f"{show_size(int(one.values[Unit.SIZE]))} ({share})" if Unit.SIZE in one.values else share


def measured(one: Assessed) -> str:
    """The value that counts, or what stands in its place."""
    if one.value is not None:
        return value(one.value)
    return "does not answer" if one.reading.status is Status.SILENT else "unknown" if one.standing.level is None else "-"


def reason(one: Assessed) -> str:
    """What is wrong with a signal, its value beside its limit."""
    name = NAMES[one.name]
    if one.standing.level is None:
        return f"{name} is not known: {one.reading.why or 'the reading is too old'}"
    word = "hard" if one.standing.level is Level.HARD else "soft"
    if one.name == ROOM:
        source = one.value.source if one.value else ""
        return f"this change needs {measured(one)} of what is free at {source}; the {word} limit is {one.limit}"
    if one.reading.status is Status.SILENT:
        return f"{name}: {one.reading.why.rstrip('.')}"
    where = f" ({one.value.source})" if one.value else ""
    if one.level is not None and one.level >= one.standing.level:
        return f"{name} is {measured(one)}{where}; the {word} limit is {one.limit}"
    left = show_duration(max(1, round(one.standing.wait)))
    return f"{name} was in breach of the {word} limit {one.limit} lately, now {measured(one)}{where}; good again in {left}"


def ahead(seconds: float) -> str:
    """A time that is only estimated: `~3 days`."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= unit:
            count = round(seconds / unit)
            return f"~{count} {name}{'' if count == 1 else 's'}"
    return "less than a minute"


def forecast(one: Outlook) -> str:
    """When the disk is full, for a person."""
    if one.full is None:
        return "not filling"
    return f"full in {ahead(one.full)}"
