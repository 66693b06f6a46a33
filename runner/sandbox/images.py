"""The images that a sandbox can start: named by the policy, or built by its recipe; listed and pruned by label."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import ImageUnavailable
from runner.model.sandbox import Image
from runner.sandbox import base_image, recipe
from runner.sandbox.base_image import ensure_base, named_image
from runner.sandbox.build_inputs import build_inputs, has_project
from runner.sandbox.engine import Engine, speaking
from runner.sandbox.recipe import PythonRecipe, ensure_python, operator_path
from runner.sandbox.requirement_files import gather
from runner.sandbox.scm_version import scm_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from runner.ports import Trees


def _quiet(_: str) -> None:
    """Say nothing."""


class DockerImages:
    """Implements `Images` (runner/ports.py) on a Docker engine."""

    def __init__(self, engine: Engine, cache: Path, note: Callable[[str], None] = _quiet) -> None:
        self._engine = engine
        self._cache = cache
        self._note = note

    def ensure(self, options: Any, trees: Trees, base_tree: str, version: Callable[[], str]) -> Image:
        """The image that the policy's `sandbox` section names, or the one that its recipe makes of the base tree."""
        if options.image:
            found = named_image(self._engine, options.image, self._cache, self._note)
            return Image(reference=options.image, id=found, notes=(f"image named by the policy: {options.image}",))
        build = options.build
        base = ensure_base(self._engine, build.base, self._cache, self._note)
        made = tree_recipe(build, trees, base_tree, version)
        reference, image_id, fresh = ensure_python(self._engine, base, made, trees, self._cache, self._note)
        return Image(reference=reference, id=image_id, notes=(base.note, _how(reference, fresh=fresh)))


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


def build_python(
    requirements: Sequence[Path],
    tag: str | None,
    note: Callable[[str], None] = _quiet,
    *,
    cache: Path,
    engine: Engine | None = None,
    base: str = base_image.AUTO,
    packages: Sequence[str] = (),
) -> Image:
    """An image with the requirement files of this host installed, for policies that name it by `tag`; it holds no project."""
    files = gather(requirements)
    wanted = PythonRecipe(files=files.contents, requirements=tuple(map(operator_path, files.asked)), packages=tuple(packages))
    with _opened(engine) as spoken:
        ground = ensure_base(spoken, base, cache, note)
        reference, image_id, fresh = ensure_python(spoken, ground, wanted, None, cache, note, tag)
    return Image(reference=reference, id=image_id, notes=(ground.note, _how(reference, fresh=fresh)))


def _how(reference: str, *, fresh: bool) -> str:
    return f"image {'built' if fresh else 'built earlier'}: {reference}"


@contextmanager
def _opened(engine: Engine | None) -> Iterator[Engine]:
    """The engine given, or a connection of our own that is closed again."""
    if engine is not None:
        yield engine
        return
    own = Engine()
    try:
        yield own
    finally:
        own.close()


@dataclass(frozen=True)
class ImageInfo:
    """One image of ours on the engine; `size` in bytes with what it shares with others, `kind` is `base` or `python`."""

    reference: str
    id: str
    size: int
    created: datetime
    kind: str


def list_images(engine: Engine | None = None) -> tuple[ImageInfo, ...]:
    """The images that seatrial made, newest first; one entry per name. Raises EngineUnavailable."""
    with _opened(engine) as spoken:
        return tuple(sorted(_ours(spoken), key=lambda info: info.created, reverse=True))


def _ours(engine: Engine) -> list[ImageInfo]:
    found: list[ImageInfo] = []
    for label, kind in ((recipe.LABEL, "python"), (base_image.LABEL, "base")):
        with speaking("list the images", engine.address):
            images = engine.api.images(filters={"label": label})
        known = {info.id for info in found}
        found += [info for image in images if image["Id"] not in known for info in _infos(image, kind)]
    return found


def _infos(image: dict[str, Any], kind: str) -> list[ImageInfo]:
    created = datetime.fromtimestamp(image["Created"], UTC)
    info = ImageInfo(reference="", id=str(image["Id"]), size=int(image["Size"]), created=created, kind=kind)
    names = [name for name in image.get("RepoTags") or () if name != "<none>:<none>"]
    return [replace(info, reference=name) for name in names or [info.id]]


def prune(engine: Engine | None = None, *, keep: Collection[str] = (), created_before: datetime | None = None) -> int:
    """Remove the images that seatrial made and no container uses; bytes that became free on the engine.

    `keep` holds names or ids that stay; with `created_before` younger images stay, too. A base image stays while another
    image is built on it.
    """
    with _opened(engine) as spoken:
        before = _layers_size(spoken)
        for info in _doomed(_ours(spoken), frozenset(keep), created_before):
            if info.id not in _in_use(spoken):
                _remove(spoken, info.reference)
        return max(0, before - _layers_size(spoken))


def _doomed(infos: Sequence[ImageInfo], keep: frozenset[str], created_before: datetime | None) -> list[ImageInfo]:
    """What nobody wants to keep, base images last: what was built on them may be gone by then."""
    spared = {info.id for info in infos if {info.reference, info.id} & keep}
    old = [info for info in infos if info.id not in spared and (created_before is None or info.created < created_before)]
    return sorted(old, key=lambda info: info.kind == "base")


def _in_use(engine: Engine) -> set[str]:
    """Ids of images that a container runs on or another image is built on."""
    with speaking("look for images in use", engine.address):
        containers = {str(container["ImageID"]) for container in engine.api.containers(all=True)}
        return containers | {str(image["ParentId"]) for image in engine.api.images()}


def _remove(engine: Engine, reference: str) -> None:
    """Remove a name, and the image with its last name; never by force, so that one in use or built upon stays."""
    import docker

    with speaking(f"remove the image {reference}", engine.address):
        try:
            engine.api.remove_image(reference, force=False, noprune=False)
        except (docker.errors.ImageNotFound, docker.errors.APIError) as problem:
            if problem.status_code not in (404, 409):
                raise


def _layers_size(engine: Engine) -> int:
    with speaking("measure the images", engine.address):
        return int(engine.api.df().get("LayersSize") or 0)
