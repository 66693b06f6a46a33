"""The pruning of images, on a stand-in for an engine that forgets nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from runner.sandbox.image.prune import prune


class StandIn:
    """An engine with these images and containers; what is removed is gone, as on a real one."""

    address = "unix:///nowhere"

    def __init__(self, images: list[dict[str, Any]], containers: tuple[str, ...] = ()) -> None:
        self.kept = images
        self.api = self
        self._containers = containers

    def images(self, filters: dict[str, str] | None = None) -> list[dict[str, Any]]:
        label = (filters or {}).get("label")
        return [image for image in self.kept if label is None or label in image["Labels"]]

    def containers(self, **_: object) -> list[dict[str, str]]:
        return [{"ImageID": image} for image in self._containers]

    def inspect_image(self, name: str) -> dict[str, Any]:
        return next(image for image in self.kept if name in (image["Id"], *image["RepoTags"]))

    def remove_image(self, name: str, **_: object) -> None:
        self.kept.remove(self.inspect_image(name))

    def df(self) -> dict[str, int]:
        return {"LayersSize": 100 * len(self.kept)}

    @property
    def names(self) -> list[str]:
        return [image["RepoTags"][0] for image in self.kept]


def an_image(name: str, *labels: str, parent: str = "", day: int = 1) -> dict[str, Any]:
    created = int(datetime(2026, 1, day, tzinfo=UTC).timestamp())
    return {
        "Id": f"id of {name}",
        "RepoTags": [name],
        "Labels": dict.fromkeys(labels, ""),
        "ParentId": parent,
        "Created": created,
        "Size": 1,
    }


BASE = an_image("seatrial/base:b", "dev.seatrial.base")
OLD = an_image("seatrial/py:old", "dev.seatrial.python", "dev.seatrial.base", parent="id of seatrial/base:b", day=2)
NEW = an_image("seatrial/py:new", "dev.seatrial.python", "dev.seatrial.base", parent="id of seatrial/base:b", day=3)
THEIRS = an_image("python:3.11")


@pytest.mark.parametrize(
    ("used", "options", "left"),
    [
        ((), {}, ["python:3.11"]),
        (("id of seatrial/py:new",), {}, ["seatrial/base:b", "seatrial/py:new", "python:3.11"]),
        ((), {"keep": ("seatrial/py:old",)}, ["seatrial/base:b", "seatrial/py:old", "python:3.11"]),
        ((), {"created_before": datetime(2026, 1, 3, tzinfo=UTC)}, ["seatrial/base:b", "seatrial/py:new", "python:3.11"]),
        (("id of seatrial/base:b",), {}, ["seatrial/base:b", "python:3.11"]),
    ],
)
def test_pruning_leaves_what_is_used_kept_young_built_upon_or_not_ours(
    used: tuple[str, ...], options: dict[str, Any], left: list[str]
) -> None:
    engine = StandIn([BASE, OLD, NEW, THEIRS], used)
    freed = prune(engine, **options)
    assert (engine.names, freed) == (left, 100 * (4 - len(left)))
