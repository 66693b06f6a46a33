"""The repository's own Dockerfile: what it reads, and what becomes of what it says."""

from pathlib import Path
from typing import Any

import pytest

from runner.errors import ImageUnavailable, PolicyInvalid
from runner.model.sandbox import Image, Job
from runner.sandbox.engine import Engine
from runner.sandbox.image.ensure import DockerImages
from runner.sandbox.image.recipes.dockerfile import context, context_key
from runner.sandbox.options import Build, Sandbox

NAME = "docker/test.Dockerfile"
OPTIONS = Sandbox(build=Build(recipe="dockerfile", dockerfile=NAME))


def key(trees: Any, files: dict[str, Any]) -> str:
    return context_key(context(trees, trees.add(files), NAME), NAME)


def test_the_context_is_the_tree_without_what_dockerignore_leaves_out(trees: Any) -> None:
    files = {
        NAME: b"FROM x\n",
        ".dockerignore": b"# note\n\n*.md\n!keep.md\nsecret\ndocker\n",
        "a.md": b"",
        "keep.md": b"",
        "secret/b": b"",
    }
    found = [entry.path for entry in context(trees, trees.add(files), NAME)]
    assert sorted(found) == [b".dockerignore", b"docker/test.Dockerfile", b"keep.md"]


def test_every_file_of_the_context_makes_another_image_and_nothing_else_does(trees: Any) -> None:
    files = {NAME: b"FROM x\n", ".dockerignore": b"docs\n", "a.py": b"A = 1\n", "docs/a": b"1"}
    base = key(trees, files)
    assert key(trees, {**files, "docs/a": b"2"}) == base
    assert len({base, key(trees, {**files, "a.py": b"A = 2\n"}), key(trees, {**files, "a.py": ("100755", b"A = 1\n")})}) == 3


def test_a_dockerfile_that_the_base_lacks_is_named_before_anything_is_built(trees: Any, tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match=r"docker/test\.Dockerfile, which is not in the base tree"):
        DockerImages(Engine({"DOCKER_HOST": "unix:///nowhere"}), tmp_path).ensure(OPTIONS, trees, trees.add({"a": b""}), str)


@pytest.mark.docker
def test_user_entrypoint_and_variables_of_the_image_do_not_reach_the_suite(
    engine: Engine, cache: Path, image: Image, trees: Any, sandbox: Any
) -> None:
    text = f'FROM {image.reference}\nCOPY cargo /hold/cargo\nENV SAILS=4\nUSER root\nENTRYPOINT ["/bin/false"]\n'
    tree = trees.add({NAME: text.encode(), "cargo": b"tea"})
    made = DockerImages(engine, cache).ensure(OPTIONS, trees, tree, str)
    try:
        changed = trees.add({NAME: text.encode(), "cargo": b"rum"})
        program = "import os; print(os.getuid() != 0, open('/hold/cargo').read(), open('cargo').read(), os.environ.get('SAILS'))"

        class Reader:
            def record(self, record: Any, child: int) -> None: ...

        done = sandbox.run(Job(image=made, base_tree=tree, tree=changed, argv=("python3", "-c", program)), trees, Reader())
        assert done.log.strip() == "True tea rum None"
    finally:
        engine.api.remove_image(made.reference, force=True)  # the container may still be on its way out


@pytest.mark.docker
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RUN echo hoisting; exit 3\n", r"exit 3 of the Dockerfile failed with exit status 3[\s\S]*hoisting"),
        ("FORM x\n", "unknown instruction: FORM"),
        ("COPY gone /x\n", "COPY failed"),
    ],
)
def test_a_failed_build_names_the_cause_and_shows_the_last_lines(
    engine: Engine, cache: Path, image: Image, trees: Any, text: str, words: str
) -> None:
    tree = trees.add({NAME: f"FROM {image.reference}\n{text}".encode()})
    with pytest.raises(ImageUnavailable, match=words):
        DockerImages(engine, cache).ensure(OPTIONS, trees, tree, str)
