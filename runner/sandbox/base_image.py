"""The image that everything else is built on: one with a Python, found or made without asking the user anything."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runner.errors import ImageUnavailable
from runner.sandbox import debian
from runner.sandbox.engine import Engine, speaking
from runner.sandbox.file_lock import file_lock
from runner.sandbox.registry import registry_has

RECIPE_VERSION = "1"
REGISTRY_IMAGE = "python:3.11-slim"
AUTO = "auto"
DEBIAN = "debian"
REPOSITORY = "seatrial/base"
LABEL = "dev.seatrial.base"
_WAYS = (
    "Three ways to have one: let a registry be reachable (python:3.11-slim), install mmdebstrap (apt-get install mmdebstrap), "
    "or load any image with python3 and name it in sandbox.build.base."
)


@dataclass(frozen=True)
class Base:
    """A base image that is present on the engine, and how it came about."""

    reference: str
    id: str
    note: str


def base_key(given: str) -> str:
    """Twelve hexadecimal digits over what the base image is made of."""
    parts = (RECIPE_VERSION, given, *debian.suite_of_host(), *debian.PACKAGES)
    return sha256("\0".join(parts).encode()).hexdigest()[:12]


def ensure_base(engine: Engine, given: str, cache: Path, note: Callable[[str], None]) -> Base:
    """A base image: the one made earlier, a registry's, or one of Debian packages, in this order.

    `given` is `auto`, `debian` (no registry is asked), or the reference of an image that serves as it is.
    Raises ImageUnavailable naming the ways when none can be had.
    """
    if given not in (AUTO, DEBIAN):
        return Base(given, named_image(engine, given, cache, note), f"base image named by the policy: {given}")
    reference = f"{REPOSITORY}:{base_key(given)}"
    if found := _made_earlier(engine, reference):
        return found
    with file_lock(cache / "locks" / "base-image.lock", lambda: note("another process is making the base image; waiting for it")):
        return _made_earlier(engine, reference) or _make(engine, reference, cache, note, registry=given == AUTO)


def named_image(engine: Engine, reference: str, cache: Path, note: Callable[[str], None]) -> str:
    """The id of an image that someone named: local, else pulled where a registry offers it. Raises ImageUnavailable."""
    if found := local_image(engine, reference) or _pulled(engine, reference, cache, note):
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


def _made_earlier(engine: Engine, reference: str) -> Base | None:
    found = local_image(engine, reference)
    return Base(reference, found, f"base image made earlier: {reference}") if found else None


def _make(engine: Engine, reference: str, cache: Path, note: Callable[[str], None], *, registry: bool) -> Base:
    repository, _, key = reference.partition(":")
    if registry and (pulled := _pulled(engine, REGISTRY_IMAGE, cache, note)):
        engine.api.tag(pulled, repository, key)
        return Base(reference, pulled, f"base image from the registry: {REGISTRY_IMAGE}")
    if not debian.can_build():
        raise ImageUnavailable("there is no base image, no registry answers, and mmdebstrap is not installed", hint=_WAYS)
    distribution, suite = debian.suite_of_host()
    note(f"making a base image from {distribution} packages ({suite}), once; this takes about a minute")
    made = debian.build(engine, [f"LABEL {LABEL}={key}", "ENV LANG=C.UTF-8", 'CMD ["python3"]'], cache, note)
    engine.api.tag(made, repository, key)
    return Base(reference, made, f"base image from {distribution} packages ({suite}): {reference}")


def _pulled(engine: Engine, reference: str, cache: Path, note: Callable[[str], None]) -> str | None:
    """The id of the image pulled from its registry, or `None` when no registry offers it or the pull fails."""
    import docker

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
