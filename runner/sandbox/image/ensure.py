"""The image that a policy's `sandbox` section means: one that has a name, or one that a recipe makes of the base tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.model.sandbox import Image
from runner.sandbox.image.named import named_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.ports import Trees
    from runner.sandbox.engine import Engine


def _quiet(_: str) -> None:
    """Say nothing."""


class DockerImages:
    """Implements `Images` (runner/ports.py) on a Docker engine."""

    def __init__(self, engine: Engine, cache: Path, note: Callable[[str], None] = _quiet) -> None:
        self._engine = engine
        self._cache = cache
        self._note = note

    def ensure(self, options: Any, trees: Trees, base_tree: str, version: Callable[[], str]) -> Image:
        """The image that the policy's `sandbox` section names, or the one that its recipe makes of the base tree.

        What recipes need is imported for recipes only: a named image must not cost a check any time.
        """
        if options.image:
            found = named_image(self._engine, options.image, self._cache, self._note)
            return Image(reference=options.image, id=found, notes=(f"image named by the policy: {options.image}",))
        from runner.sandbox.image.made import Yard
        from runner.sandbox.image.recipes import recipe

        yard = Yard(self._engine, self._cache, self._note)
        return recipe(options.build.recipe).ensure(yard, options.build, trees, base_tree, version)
