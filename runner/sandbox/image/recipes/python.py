"""The python recipe: from a base image to one with a virtual environment that holds what a suite needs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from runner.errors import ImageUnavailable
from runner.sandbox.file_lock import file_lock
from runner.sandbox.image.build_box import build_box
from runner.sandbox.image.build_failure import cause_of, last_lines
from runner.sandbox.image.build_inputs import build_inputs, has_project
from runner.sandbox.image.host_network import HostNetwork, host_network, pip_config_files
from runner.sandbox.image.named import local_image
from runner.sandbox.image.scm_version import scm_variables
from runner.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from runner.ports import Trees
    from runner.sandbox.engine import Engine
    from runner.sandbox.image.base import Base
    from runner.sandbox.image.build_box import BuildBox

RECIPE_VERSION = "1"
REPOSITORY = "seatrial/py"
LABEL = "dev.seatrial.python"
GENERATED = "/opt/seatrial/generated"
"""Where the image keeps what the build made beside the sources, by the same relative paths."""
_SCRIPT = "images/python/install.py"
_BUILD = "/seatrial-build"
_PYTEST = "pytest>=8"
_LONGEST_NOTE = 200


@dataclass(frozen=True)
class PythonRecipe:
    """What goes into the environment; `tree` is the base tree to install from, if any."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Requirement files of the operator, by flat name."""
    requirements: tuple[str, ...] = ()
    """Paths, absolute in the container, of the requirement files to install."""
    packages: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    project: bool = False
    tree: str | None = None
    version_env: Mapping[str, str] = field(default_factory=dict)
    """Variables that tell a project versioned by git tags its version."""
    inputs: str = ""
    """Digest of the files of the tree that the build depends on."""

    def settings(self) -> dict[str, object]:
        """What the script inside is told."""
        return {
            "requirement_files": list(self.requirements),
            "packages": list(self.packages),
            "pytest": _PYTEST,
            "project": self.project,
            "extras": list(self.extras),
            "version_env": dict(self.version_env),
        }

    def key(self, base_id: str) -> str:
        """Twelve hexadecimal digits over everything that makes a difference to the image; the tree only by its build inputs."""
        files = {name: sha256(content).hexdigest() for name, content in self.files.items()}
        script = sha256(shipped(_SCRIPT).read_bytes()).hexdigest()
        parts = [RECIPE_VERSION, script, base_id, files, self.settings(), self.inputs]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def operator_path(name: str) -> str:
    """Where a requirement file of the operator lies inside the build container."""
    return f"{_BUILD}/requirements/{name}"


def ensure_python(
    engine: Engine, base: Base, recipe: PythonRecipe, trees: Trees | None, cache: Path, note: Callable[[str], None], tag: str | None = None
) -> tuple[str, str, bool]:
    """Reference, id, and whether it was built now, of the image that the recipe makes; `tag` gives it another name.

    Raises ImageUnavailable with the cause and the last lines when the build fails.
    """
    key = recipe.key(base.id)
    reference = f"{REPOSITORY}:{key}"
    with file_lock(cache / "locks" / f"image-{key}.lock", lambda: note("another process is building this image; waiting for it")):
        known = local_image(engine, reference)
        made = known or _build(engine, base, recipe, trees, cache, note, key)
    if tag:
        repository, name = _split(tag)
        engine.api.tag(made, repository, name)
    return tag or reference, made, known is None


def _build(
    engine: Engine, base: Base, recipe: PythonRecipe, trees: Trees | None, cache: Path, note: Callable[[str], None], key: str
) -> str:
    network = host_network(os.environ, pip_config_files(os.environ))
    note(f"building an image with what the tests need, on {base.reference}; kept for the next time")
    with build_box(engine, base.id, cache) as box:
        if trees is not None and recipe.tree is not None:
            box.put_tree(trees, recipe.tree, "/work")
        _feed(box, recipe, network)
        status, output = box.run(["python3", f"{_BUILD}/install.py"], _environment(network), lambda line: note(line[:_LONGEST_NOTE]))
        if status:
            raise ImageUnavailable(
                f"building the image failed: {cause_of(output)}\n{last_lines(output)}",
                hint="Correct sandbox.build in the policy, or name an image of your own in sandbox.image.",
            )
        return box.commit(f"{REPOSITORY}:{key}", _config(engine, base, key))


def _feed(box: BuildBox, recipe: PythonRecipe, network: HostNetwork) -> None:
    files = {f"requirements/{name}": content for name, content in recipe.files.items()}
    files["install.py"] = shipped(_SCRIPT).read_bytes()
    files["settings.json"] = json.dumps(recipe.settings()).encode()
    if network.certificates:
        files["ca.pem"] = network.certificates
    box.put(files, _BUILD)


def _environment(network: HostNetwork) -> dict[str, str]:
    """The variables of the one build command: the host's network settings, and caches that vanish with the build folder."""
    bundle = f"{_BUILD}/ca.pem"
    trusted = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO") if network.certificates else ()
    return {
        **network.env,
        **dict.fromkeys(trusted, bundle),
        "HOME": _BUILD,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",  # as an option it would be an error to a pip before 22.1
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
    }


def _config(engine: Engine, base: Base, key: str) -> dict[str, object]:
    """The image's own configuration; nothing of the build container's, since committing would add what is not said here."""
    known = engine.api.inspect_image(base.id).get("Config") or {}
    given = dict(item.split("=", 1) for item in known.get("Env") or () if "=" in item)
    path = given.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    env = {"LANG": "C.UTF-8", **given, "PATH": f"/opt/venv/bin:{path}"}
    return {
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Cmd": ["python3"],
        "Entrypoint": [],
        "WorkingDir": "/work",
        "Labels": {LABEL: key},
    }


def _split(tag: str) -> tuple[str, str]:
    name, colon, version = tag.rpartition(":")
    return (name, version) if colon and "/" not in version else (tag, "latest")


def tree_recipe(build: Any, trees: Trees, tree: str, version: Callable[[], str]) -> PythonRecipe:
    """The recipe that a policy's `sandbox.build` means for a base tree. Raises ImageUnavailable when a file it names is absent."""
    for path in build.requirements:
        if trees.read(tree, path) is None:
            raise ImageUnavailable(
                f"sandbox.build.requirements names {path}, which is not in the base tree",
                hint="Commit the file to the base, or correct the name in the policy.",
            )
    project = build.project and has_project(trees, tree)
    inputs = build_inputs(trees, tree, build.requirements, project=project)
    return PythonRecipe(
        requirements=tuple(f"/work/{path}" for path in build.requirements),
        packages=tuple(build.packages),
        extras=tuple(build.extras) if project else (),
        project=project,
        tree=tree if project or build.requirements else None,
        version_env=scm_variables(inputs.texts, version()),
        inputs=inputs.digest,
    )
