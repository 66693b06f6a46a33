"""The python recipe: from a base image to one with a virtual environment that holds what a suite needs."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from runner.errors import PolicyInvalid
from runner.sandbox.image.build_inputs import build_inputs, has_project, normal_name
from runner.sandbox.image.ground import ensure_ground
from runner.sandbox.image.made import BUILD, Recipe, ensure_made
from runner.sandbox.image.scm_version import scm_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.model.sandbox import Image
    from runner.ports import Trees
    from runner.sandbox.image.made import Yard
    from runner.sandbox.options import Build

KIND = "python"
_PYTEST = "pytest>=8"
_MANIFEST = "pyproject.toml"


def ensure(yard: Yard, build: Build, trees: Trees, tree: str, version: Callable[[], str]) -> Image:
    """The image that a policy's `sandbox.build` means for a base tree. Raises PolicyInvalid, ImageUnavailable."""
    recipe = tree_recipe(build, trees, tree, version)
    ground = ensure_ground(yard, build.base, build.python, build.apt)
    return ensure_made(yard, ground, recipe, trees).image(ground.note)


def tree_recipe(build: Build, trees: Trees, tree: str, version: Callable[[], str]) -> Recipe:
    """What is installed from a base tree. Raises PolicyInvalid when it lacks a file or a group that the policy names."""
    for path in build.requirements:
        if trees.read(tree, path) is None:
            raise PolicyInvalid(
                (f"sandbox.build.requirements names {path}, which is not in the base tree",),
                hint="Commit the file to the base, or correct the name in the policy.",
            )
    _known_groups(build.groups, trees.read(tree, _MANIFEST))
    project = build.project and has_project(trees, tree)
    inputs = build_inputs(trees, tree, (*build.requirements, *([_MANIFEST] if build.groups else [])), project=project)
    return _recipe(
        requirements=[f"/work/{path}" for path in build.requirements],
        packages=build.packages,
        extras=build.extras if project else (),
        groups=build.groups,
        project=project,
        python=build.python,
        version_env=scm_variables(inputs.texts, version()),
        tree=tree if project or build.requirements or build.groups else None,
        inputs=inputs.digest,
    )


def files_recipe(files: Mapping[str, bytes], asked: Sequence[str], packages: Sequence[str]) -> Recipe:
    """What is installed from requirement files of this host, given by flat name; `asked` are those to install."""
    return _recipe(
        files={f"requirements/{name}": content for name, content in files.items()},
        requirements=[f"{BUILD}/requirements/{name}" for name in asked],
        packages=packages,
    )


def _recipe(
    *,
    requirements: Sequence[str],
    packages: Sequence[str],
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    project: bool = False,
    python: str | None = None,
    version_env: Mapping[str, str] | None = None,
    **more: Any,
) -> Recipe:
    settings = {
        "requirement_files": list(requirements),
        "packages": list(packages),
        "pytest": _PYTEST,
        "project": project,
        "extras": list(extras),
        "groups": list(groups),
        "python": python,
        "version_env": dict(version_env or {}),
    }
    return Recipe(
        kind=KIND,
        repository="seatrial/py",
        says="building an image with what the tests need",
        settings=settings,
        path="/opt/venv/bin",
        **more,
    )


def _known_groups(asked: Sequence[str], manifest: bytes | None) -> None:
    """Whether the base has these groups at all; what they include, pip works out (PEP 735)."""
    if not asked:
        return
    try:
        known = tomllib.loads((manifest or b"").decode()).get("dependency-groups", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise PolicyInvalid(
            (f"sandbox.build.groups needs the base's pyproject.toml, which cannot be read: {problem}",),
            hint="Correct the file in the base.",
        ) from problem
    names = {normal_name(name): name for name in known} if isinstance(known, dict) else {}
    for group in asked:
        if normal_name(group) not in names:
            has = f"has {', '.join(sorted(names.values()))}" if names else "has none"
            raise PolicyInvalid(
                (f"sandbox.build.groups names {group}, and the base's pyproject.toml {has} under [dependency-groups]",),
                hint="Correct the name in the policy; what stands under [project.optional-dependencies] is an extra.",
            )
