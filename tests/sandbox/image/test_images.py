"""Images built for real on the engine, and the pruning of images on a stand-in that forgets nothing."""

import json
import os
import textwrap
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.errors import ImageUnavailable
from runner.model.sandbox import Image
from runner.sandbox import leftovers
from runner.sandbox.engine import Engine
from runner.sandbox.image import base
from runner.sandbox.image.ensure import DockerImages
from runner.sandbox.image.from_files import build_python
from runner.sandbox.image.host_network import host_network, pip_config_files
from runner.sandbox.image.inventory import list_images
from runner.sandbox.image.prune import prune
from runner.sandbox.options import Build, Sandbox

SCM_PROJECT = {
    "pyproject.toml": b"""
        [build-system]
        requires = ["setuptools>=64", "setuptools-scm>=8"]
        build-backend = "setuptools.build_meta"
        [project]
        name = "ship"
        dynamic = ["version"]
        [project.optional-dependencies]
        test = ["iniconfig"]
        [tool.setuptools_scm]
        version_file = "src/ship/_release.py"
        """,
    "src/ship/__init__.py": b"from ship._release import version\n",
    "run.sh": ("100755", b"#!/bin/sh\n"),
    "link": ("120000", b"src"),
    "requirements/tests.txt": b"-r more.txt\n",
    "requirements/more.txt": b"colorama\n-e .\n",
    "logging.py": b"raise RuntimeError('in the place of the standard library')\n",
}
OLD_PROJECT = {
    "pyproject.toml": b'[build-system]\nrequires = ["setuptools<60", "wheel"]\nbuild-backend = "setuptools.build_meta"\n',
    "setup.py": b'from setuptools import setup\nsetup(name="old-ship", version="2.5", py_modules=["old_ship"])\n',
    "old_ship.py": b"DECKS = 3\n",
}
PASSWORD = "c4n4ryP4ssw0rd"
CERTIFICATE_NOTE = b"\n# c4n4ryCert1f1c4te\n"


def files(of: dict[str, Any]) -> dict[str, Any]:
    return {name: textwrap.dedent(content.decode()).encode() if isinstance(content, bytes) else content for name, content in of.items()}


class EmptyIndex(BaseHTTPRequestHandler):
    """A package index that knows nothing, and who asked it."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization", ""))
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index_with_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[EmptyIndex]]:
    """This host's pip settings name an index with a password, and a certificate bundle with a mark in it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyIndex)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known = host_network(os.environ, pip_config_files(os.environ)).certificates or b""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(known + CERTIFICATE_NOTE)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"http://someone:{PASSWORD}@127.0.0.1:{server.server_port}/simple/")
    monkeypatch.setenv("PIP_CERT", str(bundle))
    yield EmptyIndex
    server.shutdown()
    server.server_close()


def inside(engine: Engine, image: Image, program: str) -> str:
    """What a Python program prints in a fresh container of the image, without a network and as nobody in particular."""
    api = engine.api
    host = api.create_host_config(network_mode="none")
    made = api.create_container(image.id, ["python", "-c", textwrap.dedent(program)], user="10001:10001", host_config=host)["Id"]
    try:
        api.start(made)
        status = api.wait(made)["StatusCode"]
        said = api.logs(made).decode()
    finally:
        leftovers.remove_container(engine, made)
    assert status == 0, said
    return str(said.strip())


def contains(engine: Engine, image: Image, words: tuple[bytes, ...]) -> list[bytes]:
    """Which of the words occur anywhere in the image: its configuration, its history, its layers."""
    found, end = set(), b""
    for chunk in engine.api.get_image(image.id):
        text = end + chunk
        found |= {word for word in words if word in text}
        end = text[-100:]
    return sorted(found)


@pytest.fixture
def gone(engine: Engine) -> Iterator[list[str]]:
    """Images to remove after the test."""
    names: list[str] = []
    yield names
    for name in names:
        engine.api.remove_image(name)


@pytest.mark.docker
@pytest.mark.slow
def test_a_project_is_installed_editable_with_its_version_extras_and_generated_files_and_without_any_secret(
    engine: Engine, cache: Path, trees: Any, index_with_password: type[EmptyIndex], gone: list[str]
) -> None:
    tree = trees.add(files(SCM_PROJECT))
    options = Sandbox(build=Build(extras=("test",), requirements=("requirements/tests.txt",)))
    notes: list[str] = []
    image = DockerImages(engine, cache, notes.append).ensure(options, trees, tree, lambda: "1.4.2")
    gone.append(image.reference)

    assert any("Successfully installed" in note for note in notes)
    assert any(index_with_password.asked), "the host's index was not asked, so its password proves nothing"
    assert contains(engine, image, (PASSWORD.encode(), CERTIFICATE_NOTE.strip(), b"seatrial-build/", b"/venv/bin/pytest")) == [
        b"/venv/bin/pytest"
    ]
    told = json.loads(
        inside(
            engine,
            image,
            """
            import glob, importlib.metadata as m, json, os, sys
            walk = lambda top: sorted(os.path.relpath(os.path.join(a, f), top) for a, _, n in os.walk(top) for f in n)
            print(json.dumps({
                "versions": [m.version("ship"), bool(m.version("iniconfig")), bool(m.version("colorama")), bool(m.version("pytest"))],
                "path": [open(f).read().strip() for f in glob.glob(sys.prefix + "/lib/*/site-packages/__editable__*.pth")], "work": os.listdir("/work"), "here": os.getcwd(),
                "generated": walk("/opt/seatrial/generated"), "left": os.listdir("/tmp") + os.listdir("/home/sandbox"),
                "unreadable": [f for f in walk("/opt") if not os.access("/opt/" + f, os.R_OK)], "prefix": sys.prefix,
                "tmp": oct(os.stat("/tmp").st_mode & 0o7777), "env": sorted(os.environ),
            }))
            """,
        )
    )
    assert told == {
        "versions": ["1.4.2", True, True, True],
        "path": ["/work/src"],
        "work": [],
        "here": "/work",
        "generated": ["src/ship/_release.py"],
        "left": [],
        "unreadable": [],
        "prefix": "/opt/venv",
        "tmp": "0o1777",
        "env": ["HOME", "HOSTNAME", "LANG", "PATH"],
    }
    config = engine.api.inspect_image(image.id)["Config"]
    assert (config["Cmd"], config.get("Entrypoint") or [], config["Labels"]["dev.seatrial.python"]) == (
        ["python3"],
        [],
        image.reference.partition(":")[2],
    )
    assert not any(config["Labels"][name] for name in (leftovers.RUN, leftovers.HOME, leftovers.PURPOSE))

    began = time.monotonic()
    changed = trees.add({**files(SCM_PROJECT), "src/ship/hull.py": b"PLANKS = 4\n"})
    again = DockerImages(engine, cache).ensure(options, trees, changed, lambda: "1.4.2")
    assert (again.id, "built earlier" in again.notes[-1], time.monotonic() - began < 3) == (image.id, True, True)


@pytest.mark.docker
@pytest.mark.slow
def test_a_project_that_pins_a_backend_without_editable_installs_is_installed_all_the_same(
    engine: Engine, cache: Path, trees: Any, gone: list[str]
) -> None:
    tree = trees.add(OLD_PROJECT)
    image = DockerImages(engine, cache).ensure(Sandbox(build=Build()), trees, tree, lambda: "")
    gone.append(image.reference)
    program = """
        import glob, importlib.metadata as m
        (finder,) = glob.glob("/opt/venv/lib/python3*/site-packages/__editable__*old_ship*.py")
        print(m.version("old-ship"), "'old_ship': '/work/old_ship" in open(finder).read())
        """
    assert inside(engine, image, program) == "2.5 True"


@pytest.mark.docker
def test_a_failed_build_names_the_cause_shows_the_last_lines_and_leaves_nothing(engine: Engine, cache: Path, trees: Any) -> None:
    tree = trees.add({"setup.py": b"print('hoisting'); raise RuntimeError('the yard is shut')\n"})
    with pytest.raises(ImageUnavailable) as failure:
        DockerImages(engine, cache).ensure(Sandbox(build=Build()), trees, tree, lambda: "")
    assert "the project's own build script failed: RuntimeError: the yard is shut" in str(failure.value)
    assert "[end of output]" in str(failure.value)
    home = f"{leftovers.HOME}={leftovers.home_label(cache)}"
    builds = [c for c in engine.api.containers(all=True, filters={"label": home}) if c["Labels"][leftovers.PURPOSE] == "build"]
    assert builds == []


@pytest.mark.docker
def test_an_image_that_nobody_has_is_said_to_be_missing_with_a_way_to_have_it(engine: Engine, cache: Path, trees: Any) -> None:
    began = time.monotonic()
    with pytest.raises(ImageUnavailable, match="not on this engine") as failure:
        DockerImages(engine, cache).ensure(Sandbox(image="seatrial-test.invalid/absent:1"), trees, trees.add({}), lambda: "")
    assert "seatrial image build python" in failure.value.hint
    assert time.monotonic() - began < 6


@pytest.mark.docker
def test_an_image_for_requirements_of_this_host_gets_the_name_asked_for(
    engine: Engine, cache: Path, tmp_path: Path, gone: list[str]
) -> None:
    (tmp_path / "a.txt").write_text("-c limits.txt\npluggy\n")
    (tmp_path / "limits.txt").write_text("pluggy<1.6\n")
    image = build_python([tmp_path / "a.txt"], "seatrial-test/named:1", cache=cache)
    gone += engine.api.inspect_image(image.id)["RepoTags"]
    assert image.reference == "seatrial-test/named:1"
    assert inside(engine, image, "import importlib.metadata as m; print(m.version('pluggy') < '1.6')") == "True"
    assert "seatrial-test/named:1" in [info.reference for info in list_images(engine) if info.kind == "python"]


def test_a_requirements_file_that_the_base_tree_lacks_is_named_before_anything_is_built(trees: Any, tmp_path: Path) -> None:
    options = SimpleNamespace(image=None, build=Build(base="x:1", requirements=("gone.txt",)))
    engine = StandIn(images=[{"Id": "sha256:x", "RepoTags": ["x:1"]}])
    with pytest.raises(ImageUnavailable, match=r"gone\.txt, which is not in the base tree"):
        DockerImages(engine, tmp_path).ensure(options, trees, trees.add({"a.py": b""}), lambda: "")


class StandIn:
    """An engine with these images and containers; what is removed is gone, as on a real one."""

    address = "unix:///nowhere"

    def __init__(self, images: list[dict[str, Any]], containers: tuple[str, ...] = ()) -> None:
        self.kept = images
        self.api = self
        self._containers = containers

    def images(self, filters: dict[str, str] | None = None) -> list[dict[str, Any]]:
        label = (filters or {}).get("label")
        return [image for image in self.kept if label is None or label in image["Labels"]]

    def containers(self, **_: object) -> list[dict[str, str]]:
        return [{"ImageID": image} for image in self._containers]

    def inspect_image(self, name: str) -> dict[str, Any]:
        return next(image for image in self.kept if name in (image["Id"], *image["RepoTags"]))

    def remove_image(self, name: str, **_: object) -> None:
        self.kept.remove(self.inspect_image(name))

    def df(self) -> dict[str, int]:
        return {"LayersSize": 100 * len(self.kept)}

    @property
    def names(self) -> list[str]:
        return [image["RepoTags"][0] for image in self.kept]


def an_image(name: str, *labels: str, parent: str = "", day: int = 1) -> dict[str, Any]:
    created = int(datetime(2026, 1, day, tzinfo=UTC).timestamp())
    return {
        "Id": f"id of {name}",
        "RepoTags": [name],
        "Labels": dict.fromkeys(labels, ""),
        "ParentId": parent,
        "Created": created,
        "Size": 1,
    }


BASE = an_image("seatrial/base:b", base.LABEL)
OLD = an_image("seatrial/py:old", "dev.seatrial.python", base.LABEL, parent="id of seatrial/base:b", day=2)
NEW = an_image("seatrial/py:new", "dev.seatrial.python", base.LABEL, parent="id of seatrial/base:b", day=3)
THEIRS = an_image("python:3.11")


@pytest.mark.parametrize(
    ("used", "options", "left"),
    [
        ((), {}, ["python:3.11"]),
        (("id of seatrial/py:new",), {}, ["seatrial/base:b", "seatrial/py:new", "python:3.11"]),
        ((), {"keep": ("seatrial/py:old",)}, ["seatrial/base:b", "seatrial/py:old", "python:3.11"]),
        ((), {"created_before": datetime(2026, 1, 3, tzinfo=UTC)}, ["seatrial/base:b", "seatrial/py:new", "python:3.11"]),
        (("id of seatrial/base:b",), {}, ["seatrial/base:b", "python:3.11"]),
    ],
)
def test_pruning_leaves_what_is_used_kept_young_built_upon_or_not_ours(
    used: tuple[str, ...], options: dict[str, Any], left: list[str]
) -> None:
    engine = StandIn([BASE, OLD, NEW, THEIRS], used)
    freed = prune(engine, **options)
    assert (engine.names, freed) == (left, 100 * (4 - len(left)))
