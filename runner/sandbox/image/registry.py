"""Whether an image registry answers, asked through the engine with a short limit and remembered for a while."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

    import docker

PROBE_SECONDS = 3.0
REMEMBERED_SECONDS = 600.0


def registry_has(api: docker.APIClient, reference: str, memory: Path, now: float | None = None) -> bool:
    """Whether a registry offers `reference` and answers within three seconds.

    `memory` is the file that keeps answers for ten minutes, so that a firewall that swallows packets costs its three
    seconds once; `now` is in seconds since the epoch.
    """
    now = time.time() if now is None else now
    known = {name: entry for name, entry in _recall(memory).items() if 0 <= now - entry[0] < REMEMBERED_SECONDS}
    if reference in known:
        return known[reference][1]
    answer = _probe(api, reference)
    _remember(memory, {**known, reference: (now, answer)})
    return answer


def _probe(api: docker.APIClient, reference: str) -> bool:
    """Ask the engine for the manifest; by hand, since the library's own call knows no time limit of its own."""
    import requests
    from docker.auth import get_config_header, resolve_repository_name
    from docker.errors import DockerException

    try:
        registry, _ = resolve_repository_name(reference)
        header = get_config_header(api, registry)
        headers = {"X-Registry-Auth": header} if header else {}
        address = f"{api.base_url}/v{api.api_version}/distribution/{quote(reference, safe='/:@')}/json"
        return bool(api.get(address, headers=headers, timeout=PROBE_SECONDS).status_code == requests.codes.ok)
    except (DockerException, requests.RequestException):
        return False


def _recall(memory: Path) -> dict[str, tuple[float, bool]]:
    try:
        stored = json.loads(memory.read_text())
        return {str(name): (float(at), bool(answer)) for name, (at, answer) in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(memory: Path, known: dict[str, tuple[float, bool]]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    beside = memory.with_suffix(".new")
    beside.write_text(json.dumps(known))
    beside.replace(memory)
