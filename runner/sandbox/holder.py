"""A sleeping container that keeps a memory volume alive: such a volume forgets everything when its last container stops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner.errors import InfrastructureError
from runner.model.sandbox import Limits
from runner.sandbox.engine import Engine, speaking
from runner.sandbox.profile import Box, Host, configuration, differences, tmpfs_options
from runner.sandbox.treewriter import Owner

_SLEEP = ("python3", "-I", "-S", "-c", "import signal; signal.pause()")
_SMALL = Limits(memory=64 * 2**20, cpus=1, pids=8, tmp=2**20, disk=2**20, file=2**20)


def memory_volume(name: str, target: str, size: int, owner: Owner, labels: Mapping[str, str]) -> dict[str, Any]:
    """A mount of a named memory volume, made together with the first container that has it."""
    options = {"type": "tmpfs", "device": "tmpfs", "o": f"{tmpfs_options(size, owner, '1777')},nosuid,nodev"}
    return volume(name, target, options, labels)


def volume(name: str, target: str, options: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    """A mount of a named volume of the `local` driver; nothing of the image is copied into it."""
    driver = {"Name": "local", "Options": dict(options)}
    return {
        "Type": "volume",
        "Source": name,
        "Target": target,
        "VolumeOptions": {"NoCopy": True, "Labels": dict(labels), "DriverConfig": driver},
    }


def hold(
    engine: Engine, name: str, image: str, mount: Mapping[str, Any], owner: Owner, labels: Mapping[str, str], tar: Iterable[bytes]
) -> str:
    """Start a holder over `mount`, unpack `tar` into the volume, and tell where the engine's host has it mounted.

    The holder is as hardened as a sandbox, and nothing of a change runs in it. Raises InfrastructureError.
    """
    box = Box(image=image, command=_SLEEP, mounts=(mount,), limits=_SMALL, owner=owner, labels=labels)
    host = Host.of(engine.info)
    with speaking("start the holder of the working copy", engine.address):
        container = engine.api.create_container_from_config(configuration(box, host), name)["Id"]
        inspected = engine.api.inspect_container(container)
        if wrong := differences(box, host, inspected):
            raise InfrastructureError(f"The engine dropped hardening options: {', '.join(wrong)}.", hint="A newer engine is needed.")
        engine.api.start(container)
        engine.api.put_archive(container, mount["Target"], iter(tar))
    return next(str(found["Source"]) for found in inspected["Mounts"] if found["Destination"] == mount["Target"])
