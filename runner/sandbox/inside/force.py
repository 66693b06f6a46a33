"""What is in force in the sandbox, read from inside by whoever asks: limits, mounts, capabilities, the network.

A module of the launcher (Python 3.8 or newer, standard library only); the host never imports it.
"""

import os

CGROUP = "/sys/fs/cgroup"


def text(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20).decode("utf-8", "replace").strip()
    except OSError:
        return None


def number(*paths):
    for path in paths:
        found = text(os.path.join(CGROUP, path))
        if found is not None:
            try:
                return int(found)
            except ValueError:
                return found
    return None


def field(table, name):
    for line in (text(table) or "").splitlines():
        words = line.split()
        if len(words) > 1 and words[0].rstrip(":") == name:
            return words[1]
    return None


def cpus():
    unified = text(CGROUP + "/cpu.max")
    if unified is not None:
        quota, period = unified.split()
        return None if quota == "max" else round(int(quota) / int(period), 2)
    quota, period = number("cpu/cpu.cfs_quota_us"), number("cpu/cpu.cfs_period_us")
    return round(quota / period, 2) if isinstance(quota, int) and quota > 0 and period else None


def swap(memory):
    unified = number("memory.swap.max")
    if unified is not None:
        return unified
    both = number("memory/memory.memsw.limit_in_bytes")
    return both - memory if isinstance(both, int) and isinstance(memory, int) else None


def mounts():
    """Mount point -> (its options, those of its file system); the last mount on a point is the one seen."""
    seen = {}
    for line in (text("/proc/self/mountinfo") or "").splitlines():
        left, _, right = line.partition(" - ")
        words = left.split()
        point = words[4].encode("ascii", "replace").decode("unicode_escape")
        seen[point] = (set(words[5].split(",")), set(right.split()[-1].split(",")))
    return seen


def writable(point, options):
    system = point.startswith(("/proc", "/dev/")) or point == "/dev"
    return not system and "rw" in options[0] and "rw" in options[1] and os.access(point, os.W_OK)


def interfaces():
    """Those that are up; a kernel with tunnel modules puts dead ones into every new network namespace."""
    try:
        names = os.listdir("/sys/class/net")
    except OSError:
        return None
    return sorted(name for name in names if int(text("/sys/class/net/%s/flags" % name) or "1", 16) & 1)


def limits():
    soft = {}
    for line in (text("/proc/self/limits") or "").splitlines():
        name, values = line[:26].strip(), line[26:].split()
        if name.startswith("Max ") and values:
            soft[name[4:]] = values[0]
    return {name: soft.get(name) for name in ("open files", "file size", "core file size", "locked memory", "msgqueue size")}


def size(path):
    stats = os.statvfs(path)
    return stats.f_blocks * stats.f_frsize


def worn(status):
    """What a process may do beyond what anybody may, from its `/proc/PID/status`."""
    ids = {name: (field_of(status, name) or "") for name in ("Uid", "Gid", "Groups")}
    return {
        "uid": one_of(ids["Uid"]),
        "gid": one_of(ids["Gid"]),
        "other groups": sorted({int(word) for word in ids["Groups"].split()} - {one_of(ids["Gid"])}),
        "capabilities": max(int(field_of(status, "Cap" + kind) or "f", 16) for kind in ("Prm", "Eff", "Amb")),
        "no new privileges": field_of(status, "NoNewPrivs"),
        "seccomp": field_of(status, "Seccomp"),
    }


def field_of(status, name):
    return next((line.partition(":")[2].strip() for line in status.splitlines() if line.startswith(name + ":")), None)


def one_of(ids):
    """The id when real, effective, saved and file system id are the same, else none."""
    found = set(ids.split())
    return int(found.pop()) if len(found) == 1 else None


def in_force(places):
    """As the one who runs it: to be called as whom the suite runs."""
    table = mounts()
    memory = number("memory.max", "memory/memory.limit_in_bytes")
    facts = {
        "network": interfaces(),
        "read-only root": "ro" in table["/"][0],
        "writable places": sorted(point for point, options in table.items() if writable(point, options)),
        "memory": memory,
        "swap": swap(memory),
        "pids": number("pids.max", "pids/pids.max"),
        "cpus": cpus(),
    }
    facts.update(worn(text("/proc/self/status") or ""))
    for place in places:
        facts["options of " + place] = sorted({"nosuid", "nodev"} & table.get(place, (set(), set()))[0])
        facts["size of " + place] = size(place)
    for name, limit in limits().items():
        facts["limit of " + name] = limit
    return facts


def full(places):
    for place in places:
        stats = os.statvfs(place)
        if not stats.f_bavail or not stats.f_favail:
            return place
    return None


def usage():
    cpu = field(CGROUP + "/cpu.stat", "usage_usec")
    nanoseconds = number("cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage")
    return {
        "memory_peak": number("memory.peak", "memory/memory.max_usage_in_bytes"),
        "cpu_seconds": int(cpu) / 1e6 if cpu else nanoseconds / 1e9 if isinstance(nanoseconds, int) else None,
        "pids_denied": next((int(n) for n in (field(CGROUP + p, "max") for p in ("/pids.events", "/pids/pids.events")) if n), None),
        "oom_kills": next(
            (int(n) for n in (field(CGROUP + p, "oom_kill") for p in ("/memory.events", "/memory/memory.oom_control")) if n), None
        ),
    }
