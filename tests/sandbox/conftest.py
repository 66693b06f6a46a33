"""A sandbox on the real engine, jobs over trees in memory, and an image to run them in."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.errors import EngineUnavailable
from runner.model.sandbox import Execution, Image, Job, Limits
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine

_SPEC = importlib.util.spec_from_file_location("memory_trees", Path(__file__).with_name("memory_trees.py"))
memory_trees = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("memory_trees", memory_trees)
_SPEC.loader.exec_module(memory_trees)

MIB = 2**20
SMALL = Limits(memory=192 * MIB, cpus=1, wall=20, pids=64, disk=16 * MIB, tmp=8 * MIB, file=12 * MIB, output=2 * MIB, report=2 * MIB)


class Records:
    """A reader that keeps everything."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        self.records.append(dict(record))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    found = Engine()
    try:
        found.info  # noqa: B018 - asks the engine
    except EngineUnavailable as problem:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no container engine: {problem}")
    yield found
    found.close()


@pytest.fixture(scope="session")
def image(engine: Engine) -> Image:
    """Any image with python3: `SEATRIAL_TEST_IMAGE`, else one of our own base images."""
    wanted = os.environ.get("SEATRIAL_TEST_IMAGE")
    tags = [tag for item in engine.api.images() for tag in item.get("RepoTags") or () if tag.startswith("seatrial/base:")]
    if not wanted and not tags:
        from runner.sandbox.image.base import ensure_base
        from runner.sandbox.image.made import Yard

        yard = Yard(engine, Path(os.environ["XDG_CACHE_HOME"]) / "seatrial", lambda _: None)
        tags = [ensure_base(yard, "auto").reference]
    reference = wanted or min(tags)
    return Image(reference=reference, id=engine.api.inspect_image(reference)["Id"])


@pytest.fixture
def trees() -> Any:
    return memory_trees.MemoryTrees()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def sandbox(engine: Engine, cache: Path) -> Iterator[DockerSandbox]:
    with DockerSandbox(Engine(), cache) as box:
        yield box


Run = Callable[..., Execution]


@pytest.fixture
def run(sandbox: DockerSandbox, image: Image, trees: Any) -> Run:
    """Run a Python program, or `argv`, over `files` changed into `after`; the records are in `run.reader.records`."""

    def perform(
        program: str = "", *, files: Any = None, after: Any = None, where: Any = None, stalled: Any = None, **job: Any
    ) -> Execution:
        base = trees.add(files or {"kept.txt": b"kept\n"})
        tree = base if after is None else trees.add(after)
        job.setdefault("argv", ("python3", "-c", program))
        job.setdefault("limits", SMALL)
        perform.reader = Records()
        more = {"stalled": stalled} if stalled else {}
        return (where or sandbox).run(Job(image=image, base_tree=base, tree=tree, **job), trees, perform.reader, **more)

    return perform
