"""The kernel's own averages of how long work stood still (PSI), of the machine and of the control group."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runner.gates.health.cgroups import Groups
from runner.gates.health.kernel import Absent, Roots, Unreadable, text
from runner.gates.health.signals import Reading, Status, Value
from runner.model.threshold import Unit

AVERAGES: Final = {"psi_memory": ("memory", "full", "avg10"), "psi_io": ("io", "full", "avg60"), "psi_cpu": ("cpu", "some", "avg60")}
"""The file, the line and the average of each signal."""
_WHOLE = 101.0
"""Percent; averages may be rounded up a little."""


def pressure(name: str, roots: Roots, groups: Groups | None) -> Reading:
    """The signal of that name; absent where the kernel keeps no such averages. Raises Unreadable."""
    values: list[Value] = []
    for path, source in _files(AVERAGES[name][0], roots, groups):
        try:
            share = _average(text(path), AVERAGES[name])
        except Absent:
            continue
        if all(share != one.values[Unit.SHARE] for one in values):
            values.append(Value({Unit.SHARE: share}, source))
    if not values:
        return Reading(Status.ABSENT, why="this kernel keeps no pressure averages")
    return Reading(Status.READ, tuple(values))


def _files(resource: str, roots: Roots, groups: Groups | None) -> Iterator[tuple[Path, str]]:
    yield roots.proc / "pressure" / resource, "host"
    for group in groups.unified()[:1] if groups else ():
        yield group.directory / f"{resource}.pressure", f"cgroup {group.name}"


def _average(said: str, wanted: tuple[str, str, str]) -> float:
    found = re.search(rf"^{wanted[1]} (?:\S+ )*?{wanted[2]}=(\d{{1,3}}(?:\.\d{{1,9}})?)(?: |$)", said, re.MULTILINE)
    if found is None or float(found[1]) > _WHOLE:
        raise Unreadable(f"the pressure of {wanted[0]} makes no sense")
    return min(1.0, float(found[1]) / 100)
