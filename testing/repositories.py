"""Small real repositories."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.git.objects import PrivateObjects

GitIn = Callable[..., str]


@pytest.fixture
def git_in() -> GitIn:
    """Run git as a person would: `git_in(folder, "commit", ...)`; gives what it printed."""

    def run(folder: Path, *args: str, stdin: bytes = b"") -> str:
        own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        done = subprocess.run(
            ["git", "-C", str(folder), *identity, *args], input=stdin, env={**own, **who}, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, git_in: GitIn) -> Path:
    """A repository with a package, a script, a link and a text; one commit, tagged v1.2.0. A copy of one that is made once."""
    first, folder = tmp_path_factory.getbasetemp() / "first-project", tmp_path / "project"
    if not first.exists():
        _lay_out(first, git_in)
    shutil.copytree(first, folder, symlinks=True)
    git_in(folder, "update-index", "-q", "--refresh")
    return folder


def _lay_out(folder: Path, git_in: GitIn) -> None:
    (folder / "src").mkdir(parents=True)
    git_in(folder, "init", "-q")
    (folder / "a.txt").write_text("one\ntwo\nthree\n")
    (folder / "src" / "m.py").write_text("def f(x):\n    return x + 1\n")
    (folder / "run.sh").write_text("#!/bin/sh\necho hello\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("src")
    git_in(folder, "add", "-A")
    git_in(folder, "commit", "-qm", "first")
    git_in(folder, "tag", "v1.2.0")


@pytest.fixture
def objects(repository: Path, tmp_path: Path) -> Iterator[PrivateObjects]:
    """A private store over `repository`."""
    with PrivateObjects(repository, tmp_path / "private") as opened:
        yield opened
