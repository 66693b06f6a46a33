"""Containers, volumes and mounts of runs whose process died: found by label, removed at the next start."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import InfrastructureError
from runner.sandbox import live
from runner.sandbox.engine import Engine, speaking

RUN = "dev.seatrial.run"
PURPOSE = "dev.seatrial.purpose"
HOME = "dev.seatrial.home"

log = logging.getLogger(__name__)

_SETTLING_SECONDS = 5.0
"""An engine may still be carrying out the last call of a client that was killed this recently."""
_SETTLING_PASSES, _PASSES = 3, 12
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between attempts to remove what is still in use."""


class Swept(NamedTuple):
    """What a sweep removed."""

    runs: int = 0
    containers: int = 0
    volumes: int = 0


def home_label(cache: Path) -> str:
    """Names this machine and this cache directory, so that two users of one engine never sweep each other's runs."""
    machine = ""
    for name in ("/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostname"):
        with suppress(OSError):
            machine = Path(name).read_text(encoding="utf-8", errors="replace").strip()
        if machine:
            break
    return hashlib.sha256(f"{machine}\0{cache.resolve()}".encode()).hexdigest()[:16]


def labels(run_id: str, purpose: str, home: str) -> dict[str, str]:
    """What every container and volume of a run carries."""
    return {RUN: run_id, PURPOSE: purpose, HOME: home}


def sweep(engine: Engine, cache: Path) -> Swept:
    """Remove what dead runs of this cache left; without such runs the engine is not spoken to.

    An engine that does not answer leaves the rest for the next time. Raises nothing.
    """
    total = Swept()
    for dead in live.stale(cache / "live"):
        try:
            gone = _remove_all(engine, cache, also=dead.id, settle=time.time() - dead.touched < _SETTLING_SECONDS)
        except InfrastructureError as problem:
            log.warning("run %s could not be swept: %s", dead.id, problem)
        else:
            live.erase(dead.path)
            total = Swept(total.runs + 1, total.containers + gone.containers, total.volumes + gone.volumes)
    return total


def sweep_all(engine: Engine, cache: Path) -> Swept:
    """Like `sweep`, and also what carries this cache's label but has no directory any more; for `seatrial doctor`.

    Raises EngineUnavailable, InfrastructureError.
    """
    swept = sweep(engine, cache)
    more = _remove_all(engine, cache)
    return Swept(swept.runs, swept.containers + more.containers, swept.volumes + more.volumes)


def _remove_all(engine: Engine, cache: Path, *, also: str = "", settle: bool = False) -> Swept:
    """Everything of this cache whose run has no directory, and all of the run `also`.

    Passes go on while something was found or is in use: an engine may still be carrying out the last call of a dead client.
    """
    containers = volumes = 0
    for attempt in range(_PASSES):
        gone, stuck = _remove_containers(engine, cache, also), None
        try:
            kept = _remove_volumes(engine, cache, also)
        except InfrastructureError as problem:
            kept, stuck = 0, problem
        containers, volumes = containers + gone, volumes + kept
        last = attempt == _PASSES - 1
        if stuck and last:
            raise stuck
        if last or not (stuck or (settle and attempt < _SETTLING_PASSES)):
            break
        time.sleep(0.4)
    return Swept(0, containers, volumes)


def _remove_containers(engine: Engine, cache: Path, also: str) -> int:
    with speaking("look for leftover containers", engine.address):
        found = engine.api.containers(all=True, filters={"label": f"{HOME}={home_label(cache)}"})
    doomed = _doomed(found, "Id", cache, also)
    for container in doomed:
        remove_container(engine, container)
    return len(doomed)


def _remove_volumes(engine: Engine, cache: Path, also: str) -> int:
    with speaking("look for leftover volumes", engine.address):
        found = engine.api.volumes(filters={"label": f"{HOME}={home_label(cache)}"}).get("Volumes") or []
    doomed = _doomed(found, "Name", cache, also)
    for volume in doomed:
        _remove_one(engine, "remove a volume", partial(engine.api.remove_volume, volume, force=True), pauses=())
    return len(doomed)


def _doomed(found: list[Any], key: str, cache: Path, also: str) -> list[str]:
    """Asked after the engine's list was made: whatever is on it and belongs to a living run has a directory by now."""
    home = cache / "live"
    alive = {path.name.removesuffix(".new") for path in home.iterdir()} - {also} if home.is_dir() else set()
    return [str(item[key]) for item in found if (item.get("Labels") or {}).get(RUN) not in alive]


def remove_container(engine: Engine, container: str) -> None:
    """Kill and remove a container with its anonymous volumes; absent is fine. Raises InfrastructureError."""
    _remove_one(engine, "remove a container", lambda: engine.api.remove_container(container, force=True, v=True))


def remove_volume(engine: Engine, volume: str) -> None:
    """Remove a volume; absent is fine. Raises InfrastructureError."""
    _remove_one(engine, "remove a volume", lambda: engine.api.remove_volume(volume, force=True))


def _remove_one(engine: Engine, task: str, remove: Callable[[], object], pauses: tuple[float, ...] = _PAUSES) -> None:
    import docker.errors

    with speaking(task, engine.address):
        for pause in (*pauses, None):
            try:
                remove()
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as problem:
                if problem.status_code != HTTPStatus.CONFLICT or pause is None:  # in use, or being removed by somebody else
                    raise
                time.sleep(pause)
            else:
                return
