"""The image that everything else is built on: one with a Python, found or made without asking the user anything."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from runner.errors import ImageUnavailable
from runner.sandbox.file_lock import file_lock
from runner.sandbox.image import debian, suites
from runner.sandbox.image.named import local_image, named_image, pulled_image

if TYPE_CHECKING:
    from runner.sandbox.engine import Engine
    from runner.sandbox.image.made import Yard

RECIPE_VERSION = "1"
REGISTRY_IMAGE = "python:3.11-slim"
AUTO = "auto"
DEBIAN = "debian"
REPOSITORY = "seatrial/base"
LABEL = "dev.seatrial.base"
_WAYS = (
    "Three ways to have one: let a registry be reachable ({image}), install mmdebstrap (apt-get install mmdebstrap), "
    "or load any image with python3 and name it in sandbox.build.base."
)


@dataclass(frozen=True)
class Base:
    """A base image that is present on the engine, and how it came about."""

    reference: str
    id: str
    note: str


@dataclass(frozen=True)
class Plan:
    """Where a base image comes from: a registry's image, and the suite whose packages are collected where no registry answers."""

    registry: str
    distribution: str
    suite: str | None
    """`None` when no suite of the host's distribution has the Python asked for."""


def plan(python: str | None) -> Plan:
    """Where a base image with that Python comes from; `None` takes the Python of this host's own suite."""
    distribution, suite = suites.suite_of_host()
    if python is None:
        return Plan(REGISTRY_IMAGE, distribution, suite)
    return Plan(f"python:{python}-slim", distribution, suites.PYTHONS[distribution].get(python))


def base_key(given: str, python: str | None = None) -> str:
    """The tag of a base image: twelve hexadecimal digits over what it is made of, with its Python in front if one was asked for."""
    distribution, suite = suites.suite_of_host()
    same = python is None or (plan(python).registry == REGISTRY_IMAGE and python == suites.python_of(distribution, suite))
    digest = sha256("\0".join((RECIPE_VERSION, given, distribution, suite, *debian.PACKAGES)).encode()).hexdigest()[:12]
    return digest if same else f"python{python}-{digest}"


def ensure_base(yard: Yard, given: str, python: str | None = None) -> Base:
    """A base image: the one made earlier, a registry's, or one of Debian packages, in this order.

    `given` is `auto`, `debian` (no registry is asked), or the reference of an image that serves as it is, whatever `python`
    (e.g. `3.13`) asks for. Raises ImageUnavailable naming the ways, or the Pythons to be had here, when none can be had.
    """
    engine = yard.engine
    if given not in (AUTO, DEBIAN):
        return Base(given, named_image(engine, given, yard.cache, yard.note), f"base image named by the policy: {given}")
    reference = f"{REPOSITORY}:{base_key(given, python)}"
    if found := _made_earlier(engine, reference):
        return found
    lock = yard.cache / "locks" / "base-image.lock"
    with file_lock(lock, lambda: yard.note("another process is making the base image; waiting for it")):
        return _made_earlier(engine, reference) or _make(yard, reference, python, registry=given == AUTO)


def _made_earlier(engine: Engine, reference: str) -> Base | None:
    found = local_image(engine, reference)
    return Base(reference, found, f"base image made earlier: {reference}") if found else None


def _make(yard: Yard, reference: str, python: str | None, *, registry: bool) -> Base:
    repository, _, key = reference.partition(":")
    wanted = plan(python)
    if registry and (pulled := pulled_image(yard.engine, wanted.registry, yard.cache, yard.note)):
        yard.engine.api.tag(pulled, repository, key)
        return Base(reference, pulled, f"base image from the registry: {wanted.registry}")
    if not debian.can_build():
        hint = _WAYS.format(image=wanted.registry)
        raise ImageUnavailable("there is no base image, no registry answers, and mmdebstrap is not installed", hint=hint)
    lines = _sources(wanted, python, registry=registry)
    distribution, suite = wanted.distribution, str(wanted.suite)
    yard.note(f"making a base image from {distribution} packages ({suite}), once; this takes about a minute")
    changes = [f"LABEL {LABEL}={key}", "ENV LANG=C.UTF-8", 'CMD ["python3"]']
    made = debian.build(yard.engine, distribution, suite, lines, changes, yard.cache, yard.note)
    yard.engine.api.tag(made, repository, key)
    return Base(reference, made, f"base image from {distribution} packages ({suite}): {reference}")


def _sources(wanted: Plan, python: str | None, *, registry: bool) -> tuple[str, ...]:
    """The package sources for the suite; raises ImageUnavailable when its Python cannot be had here."""
    distribution, own = suites.suite_of_host()
    lines = suites.sources(wanted.suite, own, suites.archives(own)) if wanted.suite else ()
    if wanted.suite == own or lines:
        return lines
    here = ", ".join(suites.offered(distribution, own)) or "none"
    asked = f"no registry offers {wanted.registry}, and " if registry else ""
    raise ImageUnavailable(
        f"this machine cannot provide Python {python}: {asked}its {distribution.capitalize()} packages have {here}",
        hint="Ask for one of these by sandbox.build.python, or load an image with the Python you want and name it in sandbox.build.base.",
    )
