"""Images of ours that nobody needs any more, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.sandbox.engine import Engine, opened, speaking
from runner.sandbox.image.inventory import KINDS, ImageInfo, ours

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime


def prune(engine: Engine | None = None, *, keep: Collection[str] = (), created_before: datetime | None = None) -> int:
    """Remove the images that seatrial made and no container uses; bytes that became free on the engine.

    `keep` holds names or ids that stay; with `created_before` younger images stay, too. A base image stays while another
    image is built on it.
    """
    with opened(engine) as spoken:
        before = _layers_size(spoken)
        for info in _doomed(ours(spoken), frozenset(keep), created_before):
            if info.id not in _in_use(spoken):
                _remove(spoken, info.reference)
        return max(0, before - _layers_size(spoken))


def _doomed(infos: Sequence[ImageInfo], keep: frozenset[str], created_before: datetime | None) -> list[ImageInfo]:
    """What nobody wants to keep, what others are built on last: those may be gone by then."""
    spared = {info.id for info in infos if {info.reference, info.id} & keep}
    old = [info for info in infos if info.id not in spared and (created_before is None or info.created < created_before)]
    return sorted(old, key=lambda info: KINDS.index(info.kind))


def _in_use(engine: Engine) -> set[str]:
    """Ids of images that a container runs on or another image is built on."""
    with speaking("look for images in use", engine.address):
        containers = {str(container["ImageID"]) for container in engine.api.containers(all=True)}
        return containers | {str(image["ParentId"]) for image in engine.api.images()}


def _remove(engine: Engine, reference: str) -> None:
    """Remove a name, and the image with its last name; never by force, so that one in use or built upon stays."""
    import docker

    with speaking(f"remove the image {reference}", engine.address):
        try:
            engine.api.remove_image(reference, force=False, noprune=False)
        except (docker.errors.ImageNotFound, docker.errors.APIError) as problem:
            if problem.status_code not in (404, 409):
                raise


def _layers_size(engine: Engine) -> int:
    with speaking("measure the images", engine.address):
        return int(engine.api.df().get("LayersSize") or 0)
