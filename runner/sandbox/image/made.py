"""An image made from another: a build container is fed, runs one script, and what it leaves is kept under a name by content."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import ImageUnavailable
from runner.model.sandbox import Image
from runner.sandbox.file_lock import file_lock
from runner.sandbox.image.build_box import build_box
from runner.sandbox.image.build_failure import cause_of, last_lines
from runner.sandbox.image.host_network import HostNetwork, host_network, pip_config_files
from runner.sandbox.image.named import local_image
from runner.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runner.ports import Trees
    from runner.sandbox.engine import Engine
    from runner.sandbox.image.base import Base
    from runner.sandbox.image.build_box import BuildBox

RECIPE_VERSION = "2"
LABELS = "dev.seatrial."
"""Every image of ours carries the label of this beginning and its kind; the value is its key."""
BUILD = "/seatrial-build"
_LONGEST_NOTE = 200
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Yard:
    """Where images are made: the engine, the cache with its locks, and who is told how it goes on."""

    engine: Engine
    cache: Path
    note: Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """What is done to a base image; everything but `machine` and `says` makes a difference to the image, and so to its key."""

    kind: str
    """The label, and the folder of the script `install.py` among the shipped `images/`."""
    repository: str
    says: str
    """What a person is told while it is built."""
    settings: Mapping[str, object]
    """What the script is told."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files beside the script."""
    machine: Mapping[str, bytes] = field(default_factory=dict)
    """Further files beside the script that tell how this machine reaches packages."""
    machine_env: Mapping[str, str] = field(default_factory=dict)
    """Variables of the build that tell how this machine reaches packages."""
    tree: str | None = None
    """The base tree to lay out at `/work`, if any."""
    inputs: str = ""
    """Digest of the files of that tree which the build depends on."""
    path: str = ""
    """A folder that comes first in the PATH of the image; the suite gets no other variable of an image."""

    def key(self, base_id: str) -> str:
        """Twelve hexadecimal digits over everything that makes a difference; the tree only by its inputs."""
        files = {name: sha256(content).hexdigest() for name, content in self.files.items()}
        script = sha256(self.script).hexdigest()
        parts = [RECIPE_VERSION, self.kind, script, base_id, files, dict(self.settings), self.inputs, self.path]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def script(self) -> bytes:
        """The program that runs inside."""
        return shipped(f"images/{self.kind}/install.py").read_bytes()


class Made(NamedTuple):
    """An image by name and id; `fresh` when it was built now."""

    reference: str
    id: str
    fresh: bool

    @property
    def note(self) -> str:
        """How it came about."""
        return f"image {'built' if self.fresh else 'built earlier'}: {self.reference}"

    def image(self, *notes: str) -> Image:
        """As the sandbox takes it."""
        return Image(reference=self.reference, id=self.id, notes=(*notes, self.note))


def ensure_made(yard: Yard, base: Base, recipe: Recipe, trees: Trees | None = None, tag: str | None = None) -> Made:
    """The image that the recipe makes of the base, built unless the engine has it; `tag` gives it another name.

    Raises ImageUnavailable with the cause and the last lines when the build fails.
    """
    key = recipe.key(base.id)
    made = once(yard, f"{recipe.repository}:{key}", lambda: _build(yard, base, recipe, trees, key))
    if tag:
        repository, name = _split(tag)
        yard.engine.api.tag(made.id, repository, name)
    return made._replace(reference=tag or made.reference)


def once(yard: Yard, reference: str, build: Callable[[], str]) -> Made:
    """The image of that name, built unless it is there; only one process at a time builds it."""
    lock = yard.cache / "locks" / f"image-{reference.replace('/', '-').replace(':', '-')}.lock"
    with file_lock(lock, lambda: yard.note("another process is building this image; waiting for it")):
        known = local_image(yard.engine, reference)
        return Made(reference, known or build(), known is None)


def failure(output: str, hint: str = "") -> ImageUnavailable:
    """The error for a build that printed this and failed."""
    cause = cause_of(output)
    end = "\n".join(line for line in last_lines(output).splitlines() if line.removeprefix("seatrial: ").strip() != cause)
    return ImageUnavailable(
        f"building the image failed: {cause}\n{end}".strip(),
        hint=hint or "Correct sandbox.build in the policy, or name an image of your own in sandbox.image.",
    )


def _build(yard: Yard, base: Base, recipe: Recipe, trees: Trees | None, key: str) -> str:
    network = host_network(os.environ, pip_config_files(os.environ))
    yard.note(f"{recipe.says}, on {base.reference}; kept for the next time")
    with build_box(yard.engine, base.id, yard.cache) as box:
        if trees is not None and recipe.tree is not None:
            box.put_tree(trees, recipe.tree, "/work")
        _feed(box, recipe, network)
        env = {**environment(network), **recipe.machine_env}
        status, output = box.run(["python3", f"{BUILD}/install.py"], env, lambda line: yard.note(line[:_LONGEST_NOTE]))
        if status:
            raise failure(output)
        return box.commit(f"{recipe.repository}:{key}", _config(yard.engine, base, recipe, key))


def _feed(box: BuildBox, recipe: Recipe, network: HostNetwork) -> None:
    files = {**recipe.files, **recipe.machine}
    files["install.py"] = recipe.script
    files["settings.json"] = json.dumps(dict(recipe.settings)).encode()
    if network.certificates:
        files["ca.pem"] = network.certificates
    box.put(files, BUILD)


def environment(network: HostNetwork) -> dict[str, str]:
    """The variables of the one build command: the host's network settings, and caches that vanish with the build folder."""
    bundle = f"{BUILD}/ca.pem"
    trusted = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS")
    return {
        **network.env,
        **dict.fromkeys(trusted if network.certificates else (), bundle),
        "HOME": BUILD,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",  # as an option it would be an error to a pip before 22.1
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
    }


def _config(engine: Engine, base: Base, recipe: Recipe, key: str) -> dict[str, object]:
    """The image's own configuration; nothing of the build container's, since committing would add what is not said here."""
    known = engine.api.inspect_image(base.id).get("Config") or {}
    given = dict(item.split("=", 1) for item in known.get("Env") or () if "=" in item)
    path = given.get("PATH", _USUAL_PATH)
    env = {"LANG": "C.UTF-8", **given, "PATH": f"{recipe.path}:{path}" if recipe.path else path}
    return {
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Cmd": ["python3"],
        "Entrypoint": [],
        "WorkingDir": "/work",
        "Labels": {LABELS + recipe.kind: key},
    }


def _split(tag: str) -> tuple[str, str]:
    name, colon, version = tag.rpartition(":")
    return (name, version) if colon and "/" not in version else (tag, "latest")
