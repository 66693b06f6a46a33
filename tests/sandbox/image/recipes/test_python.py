"""Images of the python recipe, built for real on the engine."""

import json
import os
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.errors import ImageUnavailable, PolicyInvalid
from runner.model.sandbox import Image
from runner.sandbox import leftovers
from runner.sandbox.engine import Engine
from runner.sandbox.image.ensure import DockerImages
from runner.sandbox.image.from_files import build_python
from runner.sandbox.image.ground import ensure_ground
from runner.sandbox.image.host_network import host_network, pip_config_files
from runner.sandbox.image.inventory import list_images
from runner.sandbox.image.made import Yard
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
        [dependency-groups]
        Deck_Crew = [{include-group = "hull"}]
        hull = ["six"]
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


def inside(engine: Engine, image: Image, program: str, python: str = "python") -> str:
    """What a Python program prints in a fresh container of the image, without a network and as nobody in particular."""
    api = engine.api
    host = api.create_host_config(network_mode="none")
    made = api.create_container(image.id, [python, "-c", textwrap.dedent(program)], user="10001:10001", host_config=host)["Id"]
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
    options = Sandbox(build=Build(extras=("test",), groups=("deck-crew",), requirements=("requirements/tests.txt",)))
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
                "versions": [m.version("ship"), bool(m.version("iniconfig")), bool(m.version("colorama")), bool(m.version("six")), bool(m.version("pytest"))],
                "path": [open(f).read().strip() for f in glob.glob(sys.prefix + "/lib/*/site-packages/__editable__*.pth")], "work": os.listdir("/work"), "here": os.getcwd(),
                "generated": walk("/opt/seatrial/generated"), "left": os.listdir("/tmp") + os.listdir("/home/sandbox"),
                "unreadable": [f for f in walk("/opt") if not os.access("/opt/" + f, os.R_OK)], "prefix": sys.prefix,
                "tmp": oct(os.stat("/tmp").st_mode & 0o7777), "env": sorted(os.environ),
            }))
            """,
        )
    )
    assert told == {
        "versions": ["1.4.2", True, True, True, True],
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
@pytest.mark.slow
def test_debian_packages_are_in_the_image_and_nothing_of_how_this_machine_got_them(
    engine: Engine, cache: Path, trees: Any, gone: list[str]
) -> None:
    yard = Yard(engine, cache, lambda _: None)
    ground = ensure_ground(yard, "auto", None, ("make", "make"))
    image = Image(reference=ground.reference, id=ground.id)
    program = """
        import os, shutil
        left = [f for top in ("/etc/apt/sources.list.d", "/var/lib/apt/lists", "/var/cache/apt/archives", "/seatrial-build") if os.path.isdir(top) for f in os.listdir(top)]
        print(bool(shutil.which("make")), [f for f in left if f not in ("lock", "partial")], os.path.exists("/usr/sbin/policy-rc.d"))
        """
    assert inside(engine, image, program, "python3") == "True [] False"
    again = ensure_ground(yard, "auto", None, ("make",))
    assert (again.id, "make" in again.note) == (ground.id, True)
    with pytest.raises(ImageUnavailable, match=r"there is no package libxml2-devel in .*; the nearest: libxml2-dev"):
        ensure_ground(yard, "auto", None, ("make", "libxml2-devel"))


@pytest.mark.docker
def test_a_base_with_another_python_than_the_one_asked_for_is_said_to_have_it(
    engine: Engine, cache: Path, image: Image, trees: Any
) -> None:
    options = Sandbox(build=Build(base=image.reference, python="3.99"))
    with pytest.raises(ImageUnavailable, match=r"asks for Python 3\.99, and the base image has 3\.\d+"):
        DockerImages(engine, cache).ensure(options, trees, trees.add({"a.py": b""}), str)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"[dependency-groups]\nhull = []\n", r"names deck, and the base's pyproject\.toml has hull under"),
        (b"[project.optional-dependencies]\ndeck = []\n", "has none under"),
        (b"[dependency-groups", "cannot be read"),
        (None, "has none under"),
    ],
)
def test_a_group_that_the_base_lacks_is_named_before_anything_is_built(
    trees: Any, tmp_path: Path, manifest: bytes | None, words: str
) -> None:
    tree = trees.add({"pyproject.toml": manifest} if manifest else {"a.py": b""})
    with pytest.raises(PolicyInvalid, match=words):
        DockerImages(Engine({"DOCKER_HOST": "unix:///nowhere"}), tmp_path).ensure(Sandbox(build=Build(groups=("deck",))), trees, tree, str)


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
    engine = Engine({"DOCKER_HOST": "unix:///nowhere"})
    with pytest.raises(PolicyInvalid, match=r"gone\.txt, which is not in the base tree"):
        DockerImages(engine, tmp_path).ensure(options, trees, trees.add({"a.py": b""}), lambda: "")
