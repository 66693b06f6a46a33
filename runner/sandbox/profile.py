"""The hardened profile: a sandbox as the engine's API wants it, and as it must look from inside."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from runner.model.sandbox import Limits
from runner.sandbox import seccomp
from runner.sandbox.treewriter import Owner

WORK = "/work"
HOME = "/home/sandbox"
TMP = "/tmp"  # noqa: S108 - the sandbox's own
ENVIRONMENT = {"HOME": HOME, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "TZ": "UTC"}
"""What every suite finds in its environment, besides the image's PATH and what the job adds."""

HOSTNAME, ELSEWHERE = "sandbox", "workstation"
"""What a sandbox calls its host, and one that is to look like another."""

SUPERVISOR = ("KILL", "SETGID", "SETUID")
"""What the launcher may do beyond what anybody may: become the suite's user in a child, and end that user's processes."""
_BITS = {"KILL": 5, "SETGID": 6, "SETUID": 7}
"""Their numbers in `capability.h`."""
_WRITABLE = (WORK, HOME, TMP, "/dev/shm")  # noqa: S108 - the sandbox's own
_PAGE = 4096
_SHM = 64 * 2**20
_FILES_OPEN = (1024, 4096)
_NAMES = {"open files": "nofile", "file size": "fsize", "core file size": "core", "locked memory": "memlock", "msgqueue size": "msgqueue"}


class Host(NamedTuple):
    """What of the engine's host bears on the profile."""

    cpus: float
    counts_swap: bool
    swappiness: bool
    """Whether the engine takes a swappiness (control groups of version 1 only)."""

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Host:
        """From what the engine says of itself."""
        first = str(info.get("CgroupVersion") or "1") == "1"
        return cls(cpus=float(info.get("NCPU") or 1), counts_swap=bool(info.get("SwapLimit", True)), swappiness=first)


class Box(NamedTuple):
    """One container to be: what runs, over which mounts, within which limits."""

    image: str
    command: tuple[str, ...]
    mounts: tuple[Mapping[str, Any], ...]
    limits: Limits
    owner: Owner
    labels: Mapping[str, str]
    runtime: str = ""
    user: Owner | None = None
    """As whom the suite runs, below a launcher that supervises it; `None` where the first process runs as the owner, and is all there is."""
    hostname: str = HOSTNAME

    @property
    def runs_as(self) -> Owner:
        """As whom everything of a repository runs."""
        return self.user or self.owner

    @property
    def first(self) -> Owner:
        """As whom the container's first process runs."""
        return Owner(0, 0) if self.user else self.owner


def pages(size: int) -> int:
    """A size rounded up to whole pages, as the kernel counts."""
    return math.ceil(size / _PAGE) * _PAGE


def inodes(size: int) -> int:
    """How many files may live in a memory file system of `size` bytes."""
    return min(max(size // 8192, 16_384), 1_000_000)


def tmpfs_options(size: int, owner: Owner, mode: str) -> str:
    """Options of a memory file system with a byte and an inode cap."""
    return f"size={pages(size)},nr_inodes={inodes(size)},mode={mode},uid={owner.uid},gid={owner.gid}"


def configuration(box: Box, host: Host) -> dict[str, Any]:
    """The body of the engine's `create container` call."""
    return {
        "Image": box.image,
        "Entrypoint": list(box.command),
        "Cmd": [],
        "User": f"{box.first.uid}:{box.first.gid}",
        "WorkingDir": "/",
        "Hostname": box.hostname,
        "Env": [f"{name}={value}" for name, value in ENVIRONMENT.items()],
        "Labels": dict(box.labels),
        "NetworkDisabled": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host_config(box, host),
    }


def host_config(box: Box, host: Host) -> dict[str, Any]:
    """The hardening; the launcher is the container's first process and does an init's work."""
    memory = pages(box.limits.memory)
    common = "rw,exec,nosuid,nodev"
    asked: dict[str, Any] = {
        "NetworkMode": "none",
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "CapDrop": ["ALL"],
        "CapAdd": list(SUPERVISOR) if box.user else [],
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={seccomp.profile()}"],
        "Privileged": False,
        "ReadonlyRootfs": True,
        "Mounts": [dict(mount) for mount in box.mounts],
        "Tmpfs": {
            TMP: f"{common},{tmpfs_options(box.limits.tmp, box.runs_as, '1777')}",
            HOME: f"{common},{tmpfs_options(box.limits.tmp, box.runs_as, '0700')}",
        },
        "ShmSize": _SHM,
        "Memory": memory,
        "NanoCpus": round(_cpus(box, host) * 10**9),
        "PidsLimit": box.limits.pids,
        "OomScoreAdj": 500,
        "Ulimits": [{"Name": name, "Soft": soft, "Hard": hard} for name, (soft, hard) in _ulimits(box.limits).items()],
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "AutoRemove": False,
    }
    if host.counts_swap:
        asked["MemorySwap"] = memory
    if host.swappiness:
        asked["MemorySwappiness"] = 0
    if box.runtime:
        asked["Runtime"] = box.runtime
    return asked


def expected(box: Box, host: Host, work_size: int) -> dict[str, Any]:
    """What the launcher must read inside before it may start anything; the keys are the words of the report."""
    facts: dict[str, Any] = {
        "uid": box.runs_as.uid,
        "gid": box.runs_as.gid,
        "other groups": [],
        "capabilities": 0,
        "no new privileges": "1",
        "seccomp": "2",
        "supervisor's uid": box.first.uid,
        "supervisor's capabilities": sum(1 << _BITS[name] for name in SUPERVISOR),
        "supervisor's no new privileges": "1",
        "supervisor's seccomp": "2",
        "network": ["lo"],
        "read-only root": True,
        "writable places": sorted((WORK, TMP, HOME)),
        "memory": pages(box.limits.memory),
        "pids": box.limits.pids,
        "cpus": round(_cpus(box, host), 2),
    }
    if host.counts_swap:
        facts["swap"] = 0
    for place, size in ((WORK, work_size), (TMP, pages(box.limits.tmp)), (HOME, pages(box.limits.tmp))):
        facts[f"options of {place}"] = ["nodev", "nosuid"]
        facts[f"size of {place}"] = size
    ulimits = _ulimits(box.limits)
    for words, name in _NAMES.items():
        facts[f"limit of {words}"] = str(ulimits[name][0])
    return facts


def differences(box: Box, host: Host, inspected: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields in which a created container is not what was asked for; old engines drop unknown options in silence."""
    asked, got = host_config(box, host), inspected.get("HostConfig") or {}
    mounts = asked.pop("Mounts")
    wrong = [name for name, value in asked.items() if _plain(got.get(name)) != _plain(value)]
    if (inspected.get("Config") or {}).get("User") != f"{box.first.uid}:{box.first.gid}":
        wrong.append("User")
    wanted = {mount["Target"] for mount in mounts}
    present = {mount.get("Destination") for mount in inspected.get("Mounts") or ()} - {TMP, HOME}
    wrong += [f"a volume of the image at {place}" for place in sorted(map(str, present - wanted))]
    wrong += [f"no mount at {place}" for place in sorted(wanted - present)]
    if any(got.get(name) for name in ("Binds", "Devices", "VolumesFrom", "Links", "GroupAdd", "DeviceRequests")):
        wrong.append("more than was asked for")
    return tuple(wrong)


def astray(inspected: Mapping[str, Any]) -> str:
    """The variable of an image that would have the first process load code from where a suite may write; empty where none does."""
    for entry in (inspected.get("Config") or {}).get("Env") or ():
        name, _, value = str(entry).partition("=")
        if name != "PATH" and not name.startswith(("LD_", "GCONV_PATH", "GLIBC_TUNABLES")):
            continue
        for place in value.split(":"):
            path = posixpath.normpath(place)
            if (name == "PATH" and not place.startswith("/")) or any(path == top or path.startswith(f"{top}/") for top in _WRITABLE):
                return f"{name}={value}"
    return ""


def _plain(value: Any) -> Any:
    """Lists without order; nothing and empty are the same, and so are the two ways to write a capability."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = [item.removeprefix("CAP_") if isinstance(item, str) else item for item in value]
        return sorted(map(repr, (dict(sorted(item.items())) if isinstance(item, Mapping) else item for item in value)))
    return value or None


def _cpus(box: Box, host: Host) -> float:
    return round(min(box.limits.cpus, host.cpus), 2)


def _ulimits(limits: Limits) -> dict[str, tuple[int, int]]:
    return {
        "nofile": _FILES_OPEN,
        "fsize": (limits.file, limits.file),
        "core": (0, 0),
        "memlock": (65_536, 65_536),
        "msgqueue": (0, 0),
        "sigpending": (1024, 1024),
    }
