"""Lays out /proc and /sys as real files, the way a kernel shows them."""

from pathlib import Path

from runner.gates.health.kernel import Roots

GIB, MIB = 2**30, 2**20
PSI = "some avg10={0:.2f} avg60={0:.2f} avg300=0.00 total=1\nfull avg10={1:.2f} avg60={1:.2f} avg300=0.00 total=1\n"
V2_MOUNT = "31 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNTS = "32 31 0:29 {root} /sys/fs/cgroup/{name} rw,relatime - cgroup cgroup rw,{name}"
UNIFIED_MOUNT = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"


def write(root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else str(content).encode())


def a_host(root: Path, *, total: int = 16 * GIB, available: int = 8 * GIB, tasks: int = 300, pressure: bool = True) -> Roots:
    """A machine without control groups."""
    kib = 1024
    meminfo = {"MemTotal": total, "MemFree": available // 2, "MemAvailable": available, "Buffers": 0, "Cached": available // 2, "Shmem": 0}
    meminfo |= {"Active": total // 4, "Inactive": total // 4}
    write(
        root / "proc",
        {
            "meminfo": "".join(f"{name}: {size // kib} kB\n" for name, size in meminfo.items()),
            "stat": "cpu  1000 0 500 8000 500 0 0 0 0 0\ncpu0 1000 0 500 8000 500 0 0 0 0 0\n",
            "loadavg": f"0.50 0.40 0.30 2/{tasks} 4711\n",
            "uptime": "5000.00 9000.00\n",
            "sys/kernel/pid_max": "32768\n",
            "sys/kernel/threads-max": "100000\n",
            "sys/kernel/random/boot_id": "37546a67-667b-4192-8c5d-27ca7559b67f\n",
            "self/mountinfo": "22 27 0:21 / /proc rw,relatime - proc proc rw\n",
        },
    )
    if pressure:
        write(root / "proc/pressure", {name: PSI.format(3, 1) for name in ("cpu", "io", "memory")})
    (root / "sys").mkdir(exist_ok=True)
    return Roots(root / "proc", root / "sys")


def in_v2(root: Path, path: str, groups: dict[str, dict[str, object]], *, mounted: str = "/") -> Roots:
    """The host, with this process in the group `path` of version 2; `groups` are files by folder below the mount."""
    roots = a_host(root)
    write(roots.proc, {"self/cgroup": f"0::{path}\n", "self/mountinfo": V2_MOUNT.format(root=mounted)})
    for folder, files in groups.items():
        write(roots.sys / "fs/cgroup" / folder, files)
    return roots


def in_v1(
    root: Path, path: str, controllers: dict[str, dict[str, dict[str, object]]], *, mounted: str = "/", unified: bool = False
) -> Roots:
    """The same in version 1: files by folder by controller; `unified` adds an empty version 2 beside it, as hybrid hosts have."""
    roots = a_host(root)
    lines = [f"{number}:{name}:{path}" for number, name in enumerate(controllers, start=2)]
    mounts = [V1_MOUNTS.format(root=mounted, name=name) for name in controllers]
    if unified:
        lines.append("0::/")
        mounts.append(UNIFIED_MOUNT)
        write(roots.sys / "fs/cgroup/unified", {"cgroup.procs": "1\n"})
    write(roots.proc, {"self/cgroup": "\n".join(lines) + "\n", "self/mountinfo": "\n".join(mounts) + "\n"})
    for name, groups in controllers.items():
        for folder, files in groups.items():
            write(roots.sys / "fs/cgroup" / name / folder, files)
    return roots
