"""The control groups that this process is in, version 1, 2 or both: their limits count where the host's totals do not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from runner.gates.health.kernel import Absent, Roots, fields, number, text, whole

_NO_LIMIT: Final = 2**60
"""Version 1 says "no limit" by a number of this order."""
_DEEPEST = 32
_CONTROLLERS = frozenset(("", "memory", "pids", "cpu", "cpuacct"))


class Group(NamedTuple):
    """A control group of one controller; `name` is its path as the kernel gives it."""

    directory: Path
    version: int
    name: str


class Limit(NamedTuple):
    """A limit and what is used of it, in bytes or processes, and which group's it is."""

    limit: int
    used: int
    source: str


class Groups:
    """For each controller, this process's group and those around it, innermost first."""

    def __init__(self, roots: Roots) -> None:
        """Raises Unreadable."""
        self._found = _found(roots)

    def of(self, controller: str) -> tuple[Group, ...]:
        """Version 1 where that has the controller, else version 2; empty where nothing controls it."""
        return self._found.get(controller) or self._found.get("", ())

    def unified(self) -> tuple[Group, ...]:
        """Those of version 2, whatever they control."""
        return self._found.get("", ())

    def memory(self) -> Iterator[Limit]:
        """Limits of memory; what is used is the kernel's working set, without the file cache it would give up first."""
        for group in self.of("memory"):
            first = group.version == 1
            limit = _limit(group.directory / ("memory.limit_in_bytes" if first else "memory.max"))
            if limit is not None:
                used = number(group.directory / ("memory.usage_in_bytes" if first else "memory.current")) or 0
                cache = _cache(group.directory, "total_inactive_file" if first else "inactive_file")
                yield Limit(limit, max(0, used - cache), f"cgroup {group.name}")

    def pids(self) -> Iterator[Limit]:
        """Limits of processes and threads."""
        for group in self.of("pids"):
            limit = _limit(group.directory / "pids.max")
            if limit is not None:
                yield Limit(limit, number(group.directory / "pids.current") or 0, f"cgroup {group.name}")

    def cpu(self) -> tuple[float, float, str] | None:
        """The tightest quota in CPUs, the seconds of CPU used under it since the group began, and whose it is; `None` without one."""
        quotas = [found for group in self.of("cpu") if (found := self._quota(group)) is not None]
        return min(quotas, default=None)

    def _quota(self, group: Group) -> tuple[float, float, str] | None:
        quota = _quota_v1(group.directory) if group.version == 1 else _quota_v2(group.directory)
        if quota is None:
            return None
        if group.version == 1:
            same = [one for one in self.of("cpuacct") if one.version == 1 and one.name == group.name]
            used = (number((same or [group])[0].directory / "cpuacct.usage") or 0) / 1e9
        else:
            path = group.directory / "cpu.stat"
            used = whole(fields(path).get("usage_usec", ""), path) / 1e6
        return quota, used, f"cgroup {group.name}"


def _limit(path: Path) -> int | None:
    try:
        limit = number(path, unlimited="max")
    except Absent:  # the root of a hierarchy has no limits
        return None
    return None if limit is None or limit >= _NO_LIMIT else limit


def _cache(directory: Path, name: str) -> int:
    path = directory / "memory.stat"
    try:
        return whole(fields(path).get(name, ""), path)
    except Absent:
        return 0


def _quota_v1(directory: Path) -> float | None:
    try:
        quota = text(directory / "cpu.cfs_quota_us").strip()
    except Absent:
        return None
    if quota == "-1":
        return None
    period = number(directory / "cpu.cfs_period_us")
    return whole(quota, directory / "cpu.cfs_quota_us") / period if period else None


def _quota_v2(directory: Path) -> float | None:
    path = directory / "cpu.max"
    try:
        quota, _, period = text(path).strip().partition(" ")
    except Absent:
        return None
    return None if quota == "max" or not whole(period, path) else whole(quota, path) / whole(period, path)


def _found(roots: Roots) -> Mapping[str, tuple[Group, ...]]:
    """By controller, with version 2 as a whole under the empty name."""
    try:
        own = _memberships(text(roots.proc / "self/cgroup"))
        mounts = text(roots.proc / "self/mountinfo")
    except Absent:  # a kernel without control groups
        return {}
    found: dict[str, tuple[Group, ...]] = {}
    for line in mounts.splitlines():
        for controller, root, point, version in _mounted(line, roots):
            if controller in _CONTROLLERS & own.keys() and controller not in found:
                found[controller] = tuple(_chain(own[controller], root, point, version))
    return found


def _memberships(lines: str) -> dict[str, str]:
    """The path of this process's group by controller, of lines `4:memory:/docker/abc`; version 2 is `0::/path`."""
    parts = [line.split(":", 2) for line in lines.splitlines() if line.count(":") > 1]
    return {controller: path for _, controllers, path in parts for controller in controllers.split(",")}


def _mounted(line: str, roots: Roots) -> Iterator[tuple[str, str, Path, int]]:
    """Which controllers a line of mountinfo mounts: their name, the root of the mount, where it is, and the version (proc(5))."""
    before, dash, after = line.partition(" - ")
    place, kind = before.split(" "), after.split(" ")
    if not dash or len(place) < 5 or kind[0] not in ("cgroup", "cgroup2"):  # noqa: PLR2004  id, parent, device, root, mount point
        return
    point = Path(_plain(place[4]))
    if point.is_relative_to("/sys"):
        point = roots.sys / point.relative_to("/sys")
    elif roots.sys != Roots().sys:
        return
    names = [""] if kind[0] == "cgroup2" else kind[-1].split(",")
    for name in names:
        yield name, _plain(place[3]), point, 2 if kind[0] == "cgroup2" else 1


def _plain(escaped: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        escaped = escaped.replace(code, char)
    return escaped


def _chain(path: str, root: str, point: Path, version: int) -> Iterator[Group]:
    """The group at `path` and those around it, as far as the mount shows them. What lies outside of the mount is taken for its root."""
    inner = Path(path)
    known = inner.is_relative_to(root) and ".." not in inner.parts and inner.is_absolute()
    steps = inner.relative_to(root).parts if known else ()
    for depth in range(min(len(steps), _DEEPEST), -1, -1):
        directory = point.joinpath(*steps[:depth])
        if directory.is_dir():
            yield Group(directory, version, str(Path(root if known else "/").joinpath(*steps[:depth])))
