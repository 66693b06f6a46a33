"""An image from requirement files of this host, for policies that name it; it holds no project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.sandbox.engine import Engine, opened
from runner.sandbox.image.base import AUTO, ensure_base
from runner.sandbox.image.made import Yard, ensure_made
from runner.sandbox.image.recipes import python
from runner.sandbox.image.requirement_files import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.model.sandbox import Image


def build_python(
    requirements: Sequence[Path],
    tag: str | None,
    note: Callable[[str], None] = lambda _: None,
    *,
    cache: Path,
    engine: Engine | None = None,
    base: str = AUTO,
    packages: Sequence[str] = (),
) -> Image:
    """An image with the requirement files of this host installed, for policies that name it by `tag`; it holds no project."""
    files = gather(requirements)
    recipe = python.files_recipe(files.contents, files.asked, packages)
    with opened(engine) as spoken:
        yard = Yard(spoken, cache, note)
        ground = ensure_base(yard, base)
        return ensure_made(yard, ground, recipe, tag=tag).image(ground.note)
