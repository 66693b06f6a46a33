"""The image that everything else is built on: one with a Python, found or made without asking the user anything."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runner.errors import ImageUnavailable
from runner.sandbox.engine import Engine
from runner.sandbox.file_lock import file_lock
from runner.sandbox.image import debian
from runner.sandbox.image.named import local_image, named_image, pulled_image

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


def _made_earlier(engine: Engine, reference: str) -> Base | None:
    found = local_image(engine, reference)
    return Base(reference, found, f"base image made earlier: {reference}") if found else None


def _make(engine: Engine, reference: str, cache: Path, note: Callable[[str], None], *, registry: bool) -> Base:
    repository, _, key = reference.partition(":")
    if registry and (pulled := pulled_image(engine, REGISTRY_IMAGE, cache, note)):
        engine.api.tag(pulled, repository, key)
        return Base(reference, pulled, f"base image from the registry: {REGISTRY_IMAGE}")
    if not debian.can_build():
        raise ImageUnavailable("there is no base image, no registry answers, and mmdebstrap is not installed", hint=_WAYS)
    distribution, suite = debian.suite_of_host()
    note(f"making a base image from {distribution} packages ({suite}), once; this takes about a minute")
    made = debian.build(engine, [f"LABEL {LABEL}={key}", "ENV LANG=C.UTF-8", 'CMD ["python3"]'], cache, note)
    engine.api.tag(made, repository, key)
    return Base(reference, made, f"base image from {distribution} packages ({suite}): {reference}")
