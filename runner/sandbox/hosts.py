"""The names that a sandbox without a network knows: those of its own loopback."""

from pathlib import Path
from typing import Any

from runner.errors import InfrastructureError

_NAMES = "127.0.0.1\tlocalhost {0}\n::1\tlocalhost ip6-localhost ip6-loopback {0}\n"
"""Engines write no names at all for a container without a network, and suites serve themselves on `localhost`."""
TARGET = "/etc/hosts"


def mount(directory: Path, hostname: str) -> dict[str, Any]:
    """A read-only mount of the names, the sandbox's own among them, kept in a run's own directory. Raises OSError."""
    source = directory / "hosts"
    source.write_text(_NAMES.format(hostname))
    source.chmod(0o644)
    return {"Type": "bind", "Source": str(source), "Target": TARGET, "ReadOnly": True}


def is_unseen(problem: InfrastructureError) -> bool:
    """Whether an engine refused the mount because it does not see our files."""
    return "bind source path does not exist" in str(problem)
