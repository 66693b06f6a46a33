"""The go recipe: Go and gotestsum from Debian packages, and the modules that the base's go.sum names."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from runner.sandbox.image.base import AUTO, DEBIAN
from runner.sandbox.image.ground import ensure_ground
from runner.sandbox.image.made import Recipe, ensure_made

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.model.sandbox import Image
    from runner.ports import Trees
    from runner.sandbox.image.made import Yard
    from runner.sandbox.options import Build

KIND = "go"
_TOOLS = ("golang-go", "gotestsum")
_NETWORK = ("GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOAUTH")
_REQUIRE = re.compile(rb"^\s*require\b", re.MULTILINE)


def ensure(yard: Yard, build: Build, trees: Trees, tree: str, version: Callable[[], str]) -> Image:  # noqa: ARG001  Go asks no git
    """The image with Go, gotestsum and the base's modules. Raises ImageUnavailable.

    A base image that the policy names brings its own `go`, and `gotestsum` if the command of the suite asks for it.
    """
    ground = ensure_ground(yard, build.base, None, (*(_TOOLS if build.base in (AUTO, DEBIAN) else ()), *build.apt))
    return ensure_made(yard, ground, tree_recipe(trees, tree)).image(ground.note)


def tree_recipe(trees: Trees, tree: str) -> Recipe:
    """What is downloaded for a base tree: nothing when its modules are vendored, or when it needs none."""
    manifest, sums = trees.read(tree, "go.mod"), trees.read(tree, "go.sum")
    vendored = trees.read(tree, "vendor/modules.txt") is not None
    files = {}
    if manifest is not None and _REQUIRE.search(manifest) and not vendored:
        files = {"tree/go.mod": manifest, **({"tree/go.sum": sums} if sums is not None else {})}
    return Recipe(
        kind=KIND,
        repository="seatrial/go",
        says="building an image with Go and the modules of go.mod",
        settings={"download": bool(files)},
        files=files,
        machine_env={name: os.environ[name] for name in _NETWORK if os.environ.get(name)} if files else {},
        path="/opt/seatrial/go/bin",
    )
