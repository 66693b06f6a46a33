"""Images in a file: what the engine must not be given, and what a machine without a registry gets."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import docker
import pytest

from runner.errors import UsageError
from runner.model.sandbox import Image
from runner.sandbox.engine import Engine
from runner.sandbox.image.archive import load, look_through, save
from runner.sandbox.image.ensure import DockerImages
from runner.sandbox.options import Build, Sandbox

OURS = {"dev.seatrial.python": "abc"}


def tar_of(files: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        for name, content in files.items():
            member = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(content) if isinstance(content, bytes) else 0
            tar.addfile(member, io.BytesIO(content if isinstance(content, bytes) else b""))
    return body.getvalue()


def archive(labels: Any = OURS, names: Any = ("my-app:1",), layer: bytes = b"x" * 1024, **more: Any) -> bytes:
    manifest = [{"Config": "c.json", "RepoTags": list(names), "Layers": ["l/layer.tar"]}]
    config = {"config": {"Labels": labels}}
    files = {"l/layer.tar": layer, "c.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    return tar_of({**files, **more})


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    return member


def test_an_archive_tells_its_images_without_being_unpacked() -> None:
    (found,) = look_through(io.BytesIO(archive()))
    assert (found.names, found.id, found.ours) == (("my-app:1",), "sha256:c", True)


@pytest.mark.parametrize(
    ("labels", "names", "ours"),
    [
        (OURS, ["a:1"], True),
        ({}, ["seatrial/base:1"], True),
        (None, ["seatrial/base:1", "python:3.11-slim"], False),
        ({"other": "x"}, ["python:3.11-slim"], False),
        ({}, [], False),
    ],
)
def test_images_of_others_are_told_apart(labels: Any, names: list[str], ours: bool) -> None:
    assert look_through(io.BytesIO(archive(labels, names)))[0].ours is ours


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no archive"),
        (b"garbage" * 1000, "no archive"),
        (archive()[:1500], "no archive"),
        (tar_of({"a": b"b"}), "no archive"),
        (tar_of({"manifest.json": b"[" * 100_000}), "no archive"),
        (tar_of({"manifest.json": b" " * (2**20 + 1)}), "no archive"),
        (tar_of({"manifest.json": b'[{"Config": "../c", "Layers": []}]'}), "no archive"),
        (tar_of({"manifest.json": b'{"a": 1}'}), "no archive"),
        (gzip.compress(archive()), "compressed"),
        (archive(layer=gzip.compress(bytes(2**20))), "compressed layers"),
        (archive(pipe=special("pipe", tarfile.FIFOTYPE)), "what no archive"),
        (archive(bomb=special("bomb", tarfile.GNUTYPE_SPARSE)), "archive"),
    ],
)
def test_what_is_no_archive_or_unpacks_to_more_than_it_holds_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "images.tar"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        load(file, engine=Engine({"DOCKER_HOST": "unix:///nowhere"}))


def test_images_that_are_not_ours_need_a_word_of_the_operator(tmp_path: Path) -> None:
    file = tmp_path / "images.tar"
    file.write_bytes(archive({}, ["python:3.11-slim"]))
    with pytest.raises(UsageError, match=r"did not make: python:3\.11-slim") as refused:
        load(file, engine=Engine({"DOCKER_HOST": "unix:///nowhere"}))
    assert "--any" in refused.value.hint


@pytest.mark.docker
def test_an_image_saved_and_loaded_is_found_and_not_built_again(
    engine: Engine, cache: Path, image: Image, trees: Any, tmp_path: Path
) -> None:
    tree = trees.add({"Dockerfile": f"FROM {image.reference}\nRUN echo sails > /cargo\n".encode()})
    options = Sandbox(build=Build(recipe="dockerfile", dockerfile="Dockerfile"))
    made = DockerImages(engine, cache).ensure(options, trees, tree, str)
    notes: list[str] = []
    names = save(made.reference, tmp_path / "images.tar", notes.append, engine=engine)
    assert made.reference in names
    assert image.reference in names or not image.reference.startswith("seatrial/base:")
    engine.api.remove_image(made.reference)
    with pytest.raises(docker.errors.ImageNotFound):
        engine.api.inspect_image(made.reference)
    try:
        assert made.reference in load(tmp_path / "images.tar", notes.append, foreign=True, engine=engine)
        again = DockerImages(engine, cache).ensure(options, trees, tree, str)
        assert (again.id, "built earlier" in again.notes[-1]) == (made.id, True)
        assert any("sent" in note for note in notes)
    finally:
        engine.api.remove_image(made.reference)
    assert [path.name for path in tmp_path.iterdir()] == ["images.tar"]


@pytest.mark.docker
def test_a_failed_save_leaves_what_was_there(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "images.tar"
    file.write_text("kept")
    with pytest.raises(UsageError, match=r"there is no image seatrial-test\.invalid/absent:1"):
        save("seatrial-test.invalid/absent:1", file, engine=engine)
    assert ([path.name for path in tmp_path.iterdir()], file.read_text()) == (["images.tar"], "kept")
