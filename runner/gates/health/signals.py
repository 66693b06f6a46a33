"""What is known of the machine at one time: the signals, and one reading of each."""

import math
from collections.abc import Container, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from runner.model.threshold import Unit

SIGNALS: Final[Mapping[str, str]] = {
    "disk_free": "disk free",
    "inodes_free": "inodes free",
    "memory_available": "memory available",
    "pids_free": "process ids free",
    "psi_memory": "stalled on memory",
    "psi_io": "stalled on input and output",
    "psi_cpu": "waiting for a CPU",
    "cpu": "CPU in use",
    "docker_ping": "Docker's answer",
}
"""The signals that are kept as history, and what people call them."""
ROOM: Final = "room"
"""What the change at hand needs of what is free: no property of the machine, so it has no history."""
_LONGEST = 300
_UNITS: Final[Mapping[str, Unit]] = {unit.value: unit for unit in Unit}


class Status(StrEnum):
    """How a signal was found."""

    READ = "read"
    SILENT = "silent"
    """It was asked and gave no answer, which is itself the breach."""
    UNREADABLE = "unreadable"
    """It should be there, and cannot be read."""
    ABSENT = "absent"
    """This machine does not have it."""


class Value(NamedTuple):
    """One value of a signal, and whose it is: the host's, a control group's, a file system's."""

    values: Mapping[Unit, float]
    source: str


class Reading(NamedTuple):
    """A signal at one time. Several values stand for several limits, of which the tightest counts."""

    status: Status
    values: tuple[Value, ...] = ()
    why: str = ""


class Cpu(NamedTuple):
    """Counters since boot, in seconds of CPU; of the control group only where it has a quota, which is in CPUs."""

    busy: float
    total: float
    used: float | None = None
    quota: float | None = None


class Sample(NamedTuple):
    """All signals at one time of one machine. `uptime` is in seconds since `boot`, a clock that nobody sets."""

    boot: str
    uptime: float
    readings: Mapping[str, Reading]
    cpu: Cpu | None = None
    load: float | None = None


def to_body(sample: Sample) -> dict[str, Any]:
    """The sample as JSON data; what this machine does not have is left out."""
    kept = {name: reading for name, reading in sample.readings.items() if reading.status is not Status.ABSENT}
    body: dict[str, Any] = {"boot": sample.boot, "up": sample.uptime, "load": sample.load}
    body["cpu"] = None if sample.cpu is None else list(sample.cpu)
    body["read"] = {name: [[_plain(one.values), one.source] for one in reading.values] for name, reading in kept.items() if reading.values}
    body["not"] = {name: [reading.status.value, reading.why[:_LONGEST]] for name, reading in kept.items() if not reading.values}
    return body


def _plain(values: Mapping[Unit, float]) -> dict[str, float]:
    return {unit.value: float(f"{value:.6g}") if unit is Unit.SHARE else value for unit, value in values.items()}


def from_body(body: Mapping[str, Any], names: Container[str] = SIGNALS) -> Sample | None:
    """The sample that `to_body` wrote, with the readings of these signals; `None` for anything else, whoever wrote it."""
    try:
        read = {name: Reading(Status.READ, tuple(map(_value, found))) for name, found in body["read"].items() if name in names}
        unread = {name: Reading(Status(status), (), str(why)) for name, (status, why) in body["not"].items() if name in names}
        cpu = None if body["cpu"] is None else Cpu(*(None if part is None else _number(part) for part in body["cpu"]))  # type: ignore[arg-type]
        load = None if body["load"] is None else _number(body["load"])
        return Sample(str(body["boot"]), _number(body["up"]), {**read, **unread}, cpu, load)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _value(one: Any) -> Value:
    values, source = one
    for unit, number in values.items():
        if unit not in _UNITS:
            raise ValueError(unit)
        _number(number)
    return Value(values, str(source))  # a unit and its text are one and the same key


def _number(number: Any) -> float:
    if type(number) not in (int, float) or not math.isfinite(number):
        raise ValueError(number)
    return float(number)
