"""The recipes for images: one file each, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from runner.model.sandbox import Image
    from runner.ports import Trees
    from runner.sandbox.image.made import Yard
    from runner.sandbox.options import Build

REGISTERED = {"auto": "python", "python": "python", "node": "node", "go": "go", "dockerfile": "dockerfile"}
"""The module of each recipe that a policy can name; `auto` has been settled by then where the base's files tell more."""


class RecipeModule(Protocol):
    """What a module of this package offers."""

    def ensure(self, yard: Yard, build: Build, trees: Trees, tree: str, version: Callable[[], str]) -> Image:
        """The image for a base tree; `version` tells its release by git's tags. Raises ImageUnavailable."""


def recipe(name: str) -> RecipeModule:
    """The module of the recipe of that name."""
    return cast("RecipeModule", import_module(f"{__name__}.{REGISTERED[name]}"))
