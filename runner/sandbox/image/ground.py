"""What a recipe builds upon: a base image, with the Debian packages that the policy asks for."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from runner.sandbox.image import debian, suites
from runner.sandbox.image.base import Base, ensure_base
from runner.sandbox.image.made import Recipe, ensure_made

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.sandbox.image.made import Yard

KIND = "apt"


def ensure_ground(yard: Yard, given: str, python: str | None, packages: Iterable[str]) -> Base:
    """The base image with these packages, one image for all recipes that want the same. Raises ImageUnavailable."""
    base = ensure_base(yard, given, python)
    wanted = sorted(set(packages))
    if not wanted:
        return base
    made = ensure_made(yard, base, packages_recipe(wanted))
    return Base(made.reference, made.id, f"{base.note}; with Debian packages: {', '.join(wanted)}")


def packages_recipe(packages: Iterable[str]) -> Recipe:
    """How Debian packages are added; which mirrors and proxies this machine uses for it makes no difference to the image."""
    distribution, suite = suites.suite_of_host()
    lines = [distribution, *(archive.line("@").removeprefix("deb ") for archive in suites.archives(suite))]
    return Recipe(
        kind=KIND,
        repository="seatrial/apt",
        says=f"installing Debian packages ({shlex.join(packages)})",
        settings={"packages": list(packages)},
        machine={
            "mirrors": "\n".join(lines).encode(),
            "apt.conf": "\n".join(debian.apt_settings()).encode(),
        },
    )
