"""Images that have a name already: on the engine, or offered by a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ImageUnavailable
from runner.sandbox.engine import Engine, speaking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def named_image(engine: Engine, reference: str, cache: Path, note: Callable[[str], None]) -> str:
    """The id of an image that someone named: local, else pulled where a registry offers it. Raises ImageUnavailable."""
    if found := local_image(engine, reference) or pulled_image(engine, reference, cache, note):
        return found
    raise ImageUnavailable(
        f"the image {reference} is not on this engine, and no registry offers it",
        hint=f"Pull, load or build it first, e.g. `seatrial image build python --requirements FILE --tag {reference}`.",
    )


def local_image(engine: Engine, reference: str) -> str | None:
    """The id of the image of that name or id on the engine, or `None`."""
    import docker

    with speaking(f"look for the image {reference}", engine.address):
        try:
            return str(engine.api.inspect_image(reference)["Id"])
        except docker.errors.ImageNotFound:
            return None


def pulled_image(engine: Engine, reference: str, cache: Path, note: Callable[[str], None]) -> str | None:
    """The id of the image pulled from its registry, or `None` when no registry offers it or the pull fails."""
    import docker

    from runner.sandbox.image.registry import registry_has

    if reference.startswith("sha256:") or not registry_has(engine.api, reference, cache / "registry.json"):
        return None
    note(f"pulling {reference}")
    try:
        engine.api.pull(*_name_and_tag(reference))
    except docker.errors.APIError as problem:
        note(f"pulling {reference} failed: {problem.explanation}")
        return None
    return local_image(engine, reference)


def _name_and_tag(reference: str) -> tuple[str, str | None]:
    """Name and tag for a pull; a reference without a tag means `latest`, never all tags."""
    if "@" in reference:
        return reference, None
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "latest")
