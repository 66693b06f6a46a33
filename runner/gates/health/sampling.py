"""Takes one sample of the machine: every signal, or why it could not be had."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from runner.errors import InfrastructureError
from runner.gates.health import machine
from runner.gates.health.cgroups import Groups
from runner.gates.health.disks import disks
from runner.gates.health.kernel import Absent, Roots, Unreadable, number, text
from runner.gates.health.pressure import AVERAGES, pressure
from runner.gates.health.signals import Cpu, Reading, Sample, Status, Value
from runner.model.threshold import Unit

SHORTEST, LONGEST = 1.0, 900.0
"""How far apart, in seconds, two samples may be for what lies between them to be a percentage of now."""
_INTERVAL: Final = 0.25


def take(roots: Roots, folders: Mapping[str, Path], ping: Callable[[], float], *, earlier: Sequence[Sample], wait: bool) -> Sample:
    """All signals now. Use of the CPU is since the latest of `earlier` that fits; where none does, over a quarter of a second with `wait`."""
    boot, uptime = _boot(roots), _uptime(roots)
    groups, unknown = _groups(roots)
    readings: dict[str, Reading] = dict(zip(("disk_free", "inodes_free"), _disks(folders), strict=True))
    for name, told in (("memory_available", _memory), ("pids_free", _pids)):
        readings[name] = unknown or _tried(lambda told=told: told(roots, groups))  # type: ignore[misc]
    for name in AVERAGES:
        readings[name] = unknown or _tried(lambda name=name: pressure(name, roots, groups))  # type: ignore[misc]
    readings["docker_ping"] = _docker(ping)
    counters = _counters(roots, groups)
    known = Sample(boot, uptime, {}, counters)
    before = next((one for one in reversed(earlier) if _fits(one, known)), None)
    if before is not None:
        readings["cpu"] = unknown or _cpu(before, known)
    elif wait and counters is not None:
        time.sleep(_INTERVAL)
        readings["cpu"] = unknown or _cpu(known, Sample(boot, _uptime(roots), {}, _counters(roots, groups)))
    else:
        why = "shown from the second reading on" if counters is not None else "the CPU's counters cannot be read"
        readings["cpu"] = Reading(Status.ABSENT if counters is not None else Status.UNREADABLE, why=why)
    return Sample(boot, uptime, readings, counters, _load(roots))


def _tried(told: Callable[[], Reading]) -> Reading:
    try:
        return told()
    except (Unreadable, Absent) as problem:
        return Reading(Status.UNREADABLE, why=str(problem))


def _groups(roots: Roots) -> tuple[Groups | None, Reading | None]:
    """The control groups, or the reading that every signal has while nobody knows what limits it."""
    try:
        return Groups(roots), None
    except Unreadable as problem:
        return None, Reading(Status.UNREADABLE, why=str(problem))


def _disks(folders: Mapping[str, Path]) -> tuple[Reading, Reading]:
    try:
        return disks(folders)
    except Unreadable as problem:
        unknown = Reading(Status.UNREADABLE, why=str(problem))
        return unknown, unknown


def _memory(roots: Roots, groups: Groups | None) -> Reading:
    total, available = machine.memory(roots.proc)
    values = [Value({Unit.SHARE: available / total, Unit.SIZE: available}, "host")]
    for limit, used, source in groups.memory() if groups else ():
        if limit < total:
            left = max(0, limit - used)
            values.append(Value({Unit.SHARE: left / limit if limit else 0.0, Unit.SIZE: left}, source))
    return Reading(Status.READ, tuple(values))


def _pids(roots: Roots, groups: Groups | None) -> Reading:
    kernel = roots.proc / "sys/kernel"
    limits = [limit for name in ("pid_max", "threads-max") if (limit := number(kernel / name))]
    running = _loadavg(roots)[3].rpartition("/")[2]
    if not limits or not running.isdigit():
        raise Unreadable(f"{roots.proc} does not say how many processes there are")
    values = [Value({Unit.SHARE: max(0.0, 1 - int(running) / min(limits))}, "host")]
    for limit, used, source in groups.pids() if groups else ():
        values.append(Value({Unit.SHARE: max(0.0, 1 - used / limit) if limit else 0.0}, source))
    return Reading(Status.READ, tuple(values))


def _docker(ping: Callable[[], float]) -> Reading:
    try:
        return Reading(Status.READ, (Value({Unit.TIME: ping()}, "Docker"),))
    except InfrastructureError as problem:
        return Reading(Status.SILENT, why=str(problem))


def _counters(roots: Roots, groups: Groups | None) -> Cpu | None:
    try:
        busy, total = machine.cpu(roots.proc)
        quota = groups.cpu() if groups else None
    except (Unreadable, Absent):
        return None
    return Cpu(busy, total, *((quota[1], quota[0]) if quota else ()))


def _fits(earlier: Sample, later: Sample) -> bool:
    """Whether the counters of both are of one boot, and as far apart as a percentage needs."""
    same = earlier.boot == later.boot != "" and earlier.cpu is not None and later.cpu is not None
    return same and SHORTEST <= later.uptime - earlier.uptime <= LONGEST


def _cpu(earlier: Sample, later: Sample) -> Reading:
    """The share in use between two samples; counters that did not go on say nothing."""
    before, after = earlier.cpu, later.cpu
    if before is None or after is None or after.total <= before.total or not 0 <= after.busy - before.busy <= after.total - before.total:
        return Reading(Status.UNREADABLE, why="the CPU's counters did not go on")
    values = [Value({Unit.SHARE: (after.busy - before.busy) / (after.total - before.total)}, "host")]
    seconds = later.uptime - earlier.uptime
    if before.used is not None and after.used is not None and after.quota and after.used >= before.used and seconds > 0:
        values.append(Value({Unit.SHARE: min(1.0, (after.used - before.used) / (after.quota * seconds))}, "cgroup"))
    return Reading(Status.READ, tuple(values))


def _boot(roots: Roots) -> str:
    try:
        return text(roots.proc / "sys/kernel/random/boot_id").strip()[:64]
    except (Unreadable, Absent):
        return ""


def _uptime(roots: Roots) -> float:
    """Seconds since the boot, suspended ones included; 0 where the kernel does not say."""
    try:
        return max(0.0, min(1e10, float(text(roots.proc / "uptime").split()[0])))
    except (Unreadable, Absent, ValueError, IndexError):
        return 0.0


def _loadavg(roots: Roots) -> list[str]:
    parts = text(roots.proc / "loadavg").split()
    if len(parts) < 4:  # noqa: PLR2004  three averages, then running/all tasks
        raise Unreadable(f"{roots.proc}/loadavg makes no sense")
    return parts


def _load(roots: Roots) -> float | None:
    try:
        return max(0.0, min(1e6, float(_loadavg(roots)[0])))
    except (Unreadable, Absent, ValueError):
        return None
