"""What an image may bring along, and what it may not."""

import io
import tarfile

import pytest

from runner.errors import ImageUnavailable, InfrastructureError
from runner.model.sandbox import Job

pytestmark = pytest.mark.docker


@pytest.fixture
def made(engine, image):
    """Images made of the test image with some files and a changed configuration."""
    images, containers = [], []

    def make(files=None, changes=None, command=None):
        container = engine.api.create_container(image.id, command or ["true"], labels={"dev.seatrial.purpose": "test"})["Id"]
        containers.append(container)
        body = io.BytesIO()
        with tarfile.open(fileobj=body, mode="w") as tar:
            for name, (mode, content) in (files or {}).items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), mode
                tar.addfile(member, io.BytesIO(content))
        engine.api.put_archive(container, "/", body.getvalue())
        found = engine.api.commit(container, changes=changes)["Id"]
        images.append(found)
        return image.model_copy(update={"id": found})

    yield make
    for container in containers:
        engine.api.remove_container(container, force=True, v=True)
    for found in images:
        engine.api.remove_image(found, force=True)


def _run(sandbox, trees, image, program, files):
    class Reader:
        def record(self, record, child):
            pass

    tree = trees.add(files)
    return sandbox.run(Job(image=image, base_tree=tree, tree=tree, argv=("python3", "-c", program)), trees, Reader())


def test_generated_files_are_added_where_the_tree_has_none(sandbox, trees, made):
    generated = "opt/seatrial/generated"
    image = made(
        {
            f"{generated}/pkg/_version.py": (0o644, b"generated"),
            f"{generated}/pkg/kept.py": (0o644, b"generated"),
            f"{generated}/fresh/tool": (0o755, b"#!/bin/sh\necho ran\n"),
        }
    )
    program = (
        "import subprocess; print(open('pkg/_version.py').read(), open('pkg/kept.py').read(), flush=True); subprocess.run('fresh/tool')"
    )
    execution = _run(sandbox, trees, image, program, {"pkg/kept.py": b"tree"})
    assert execution.log == "generated tree\nran\n"


def test_an_image_that_declares_a_volume_is_refused(sandbox, trees, made):
    with pytest.raises(InfrastructureError, match="a volume of the image at /data"):
        _run(sandbox, trees, made(changes=["VOLUME /data"]), "print('ran')", {"a": b""})


def test_entrypoint_health_check_user_and_environment_of_the_image_do_not_matter(sandbox, trees, made):
    image = made(changes=['ENTRYPOINT ["/bin/false"]', "USER root", "HEALTHCHECK CMD true", "ENV SECRET=1", "WORKDIR /var"])
    execution = _run(sandbox, trees, image, "import os; print(os.getuid() > 0, 'SECRET' in os.environ, os.getcwd())", {"a": b""})
    assert execution.log == "True False /work\n"


def test_an_image_without_python_says_so(sandbox, trees, made):
    with pytest.raises(ImageUnavailable, match="python3") as caught:
        _run(sandbox, trees, made(changes=["ENV PATH=/nowhere"]), "", {"a": b""})
    assert "3.8" in caught.value.hint
