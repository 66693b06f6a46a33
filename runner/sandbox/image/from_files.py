"""An image from requirement files of this host, for policies that name it; it holds no project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.model.sandbox import Image
from runner.sandbox.engine import Engine, opened
from runner.sandbox.image.base import AUTO, ensure_base
from runner.sandbox.image.recipes.python import PythonRecipe, ensure_python, operator_path
from runner.sandbox.image.requirement_files import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


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
    wanted = PythonRecipe(files=files.contents, requirements=tuple(map(operator_path, files.asked)), packages=tuple(packages))
    with opened(engine) as spoken:
        ground = ensure_base(spoken, base, cache, note)
        reference, image_id, fresh = ensure_python(spoken, ground, wanted, None, cache, note, tag)
    return Image(reference=reference, id=image_id, notes=(ground.note, f"image {'built' if fresh else 'built earlier'}: {reference}"))
