"""The node recipe: Node.js from Debian packages, and what the base's package-lock.json names."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from runner.errors import ImageUnavailable
from runner.sandbox.image.base import AUTO, DEBIAN
from runner.sandbox.image.ground import ensure_ground
from runner.sandbox.image.made import BUILD, Recipe, ensure_made
from runner.sandbox.image.npm_settings import npm_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.model.sandbox import Image
    from runner.ports import Trees
    from runner.sandbox.image.made import Yard
    from runner.sandbox.options import Build

KIND = "node"
_LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
_MANIFEST = "package.json"
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces")


def ensure(yard: Yard, build: Build, trees: Trees, tree: str, version: Callable[[], str]) -> Image:  # noqa: ARG001  npm asks no git
    """The image with Node.js and the packages of the base's lock file. Raises ImageUnavailable.

    A base image that the policy names brings its own `node`, and `npm` where there are packages to install.
    """
    recipe = tree_recipe(trees, tree)
    tools = ("nodejs", *(("npm",) if recipe.settings["install"] else ())) if build.base in (AUTO, DEBIAN) else ()
    ground = ensure_ground(yard, build.base, None, (*tools, *build.apt))
    return ensure_made(yard, ground, recipe).image(ground.note)


def tree_recipe(trees: Trees, tree: str) -> Recipe:
    """What is installed for a base tree: by its lock file, without running any package's scripts.

    Raises ImageUnavailable when package.json names packages and no lock file says which.
    """
    manifest = _read(trees.read(tree, _MANIFEST))
    lock = next((name for name in _LOCKS if trees.read(tree, name) is not None), None)
    wanted = any(manifest.get(section) for section in _DEPENDENCIES)
    if wanted and lock is None:
        raise ImageUnavailable(
            "the base's package.json names packages, and the base has no package-lock.json",
            hint="Run npm install --package-lock-only and commit the lock file, or name an image of your own in sandbox.image.",
        )
    files = _files(trees, tree, lock) if wanted and lock else {}
    settings = npm_settings(os.environ)
    return Recipe(
        kind=KIND,
        repository="seatrial/node",
        says="building an image with Node.js and what package-lock.json names",
        settings={"install": bool(files)},
        files=files,
        machine={"npmrc": settings.npmrc} if files else {},
        machine_env={**settings.env, "NPM_CONFIG_USERCONFIG": f"{BUILD}/npmrc"} if files else {},
        path="/node_modules/.bin" if files else "",
    )


def _files(trees: Trees, tree: str, lock: str) -> dict[str, bytes]:
    """The lock file, npm's settings of the project, and the manifests of the project and its workspaces."""
    blobs = {
        entry.path: entry.blob
        for entry in trees.entries(tree)
        if (entry.path == b".npmrc" or entry.path == lock.encode() or entry.path.split(b"/")[-1] == _MANIFEST.encode())
        and entry.mode in ("100644", "100755")
        and b"node_modules" not in entry.path.split(b"/")
        and entry.path.isascii()
    }
    contents = trees.blobs(blobs.values())
    return {f"tree/{path.decode()}": contents[blob] for path, blob in blobs.items()}


def _read(content: bytes | None) -> dict[str, object]:
    try:
        manifest = json.loads(content or b"{}")
    except (ValueError, RecursionError) as problem:
        raise ImageUnavailable(f"the base's package.json cannot be read: {problem}", hint="Correct the file in the base.") from problem
    return manifest if isinstance(manifest, dict) else {}
