"""What is free on the file systems of the folders that a run writes to."""

import os
from collections.abc import Mapping
from pathlib import Path

from runner.gates.health.kernel import Unreadable
from runner.gates.health.signals import Reading, Status, Value
from runner.model.threshold import Unit


def disks(folders: Mapping[str, Path]) -> tuple[Reading, Reading]:
    """Space and inodes free, one value per file system; shares as `df` shows them, of what is not reserved. Raises Unreadable."""
    names: dict[int, list[str]] = {}
    found: dict[int, tuple[Path, os.statvfs_result]] = {}
    for name, folder in folders.items():
        place = folder
        try:
            place = _present(folder)
            device = place.stat().st_dev
            names.setdefault(device, []).append(name)
            found.setdefault(device, (place, os.statvfs(place)))
        except OSError as problem:
            raise Unreadable(f"{place} cannot be asked for its free space: {problem.strerror}") from None
    space = []
    inodes = []
    for device, (place, told) in found.items():
        source = f"{place} ({', '.join(names[device])})"
        if told.f_blocks > 0:
            usable = told.f_blocks - told.f_bfree + told.f_bavail
            space.append(Value({Unit.SHARE: told.f_bavail / max(1, usable), Unit.SIZE: told.f_bavail * told.f_frsize}, source))
        if told.f_files > 0:
            usable = told.f_files - told.f_ffree + told.f_favail
            inodes.append(Value({Unit.SHARE: told.f_favail / max(1, usable)}, source))
    return _reading(space, "no file system tells its size"), _reading(inodes, "the file systems have no table of inodes")


def _reading(values: list[Value], why: str) -> Reading:
    return Reading(Status.READ, tuple(values)) if values else Reading(Status.ABSENT, why=why)


def _present(folder: Path) -> Path:
    """The folder, or the nearest one around it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
