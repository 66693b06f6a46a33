"""Which images on the engine are ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from runner.sandbox.engine import Engine, opened, speaking
from runner.sandbox.image.made import LABELS

KINDS = ("python", "node", "go", "dockerfile", "apt", "base")
"""An image carries the labels of all that it is built on, too: the first of these is what it is itself."""


@dataclass(frozen=True)
class ImageInfo:
    """One image of ours on the engine; `size` in bytes with what it shares with others, `kind` is one of `KINDS`."""

    reference: str
    id: str
    size: int
    created: datetime
    kind: str


def list_images(engine: Engine | None = None) -> tuple[ImageInfo, ...]:
    """The images that seatrial made, newest first; one entry per name. Raises EngineUnavailable."""
    with opened(engine) as spoken:
        return tuple(sorted(ours(spoken), key=lambda info: info.created, reverse=True))


def ours(engine: Engine) -> list[ImageInfo]:
    """The same, in no order."""
    found: list[ImageInfo] = []
    for kind in KINDS:
        with speaking("list the images", engine.address):
            images = engine.api.images(filters={"label": LABELS + kind})
        known = {info.id for info in found}
        found += [info for image in images if image["Id"] not in known for info in _infos(image, kind)]
    return found


def _infos(image: dict[str, Any], kind: str) -> list[ImageInfo]:
    created = datetime.fromtimestamp(image["Created"], UTC)
    info = ImageInfo(reference="", id=str(image["Id"]), size=int(image["Size"]), created=created, kind=kind)
    names = [name for name in image.get("RepoTags") or () if name != "<none>:<none>"]
    return [replace(info, reference=name) for name in names or [info.id]]
