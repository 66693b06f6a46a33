"""Trees of the example project with the contents of a forgery or its twin in them, and patches from the base to them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from testing.forgeries.forgery import Files, Forgery, Link, Program
from testing.forgeries.subject import ROOT

_DONE: Final = "it is so"
_IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false", "-c", "core.excludesFile=")
_TRUTH = "import sys\nsys.path.insert(0, {sources!r})\n{truth}\nprint({done!r})\n"
_SECONDS: Final = 5


def base(folder: Path) -> Path:
    """A copy of the example project; the folder must not exist yet."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return folder


def repository(folder: Path) -> Path:
    """The example project as a repository with one commit, the base of every patch here."""
    base(folder)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    return folder


def git(repo: Path, *argv: str) -> bytes:
    """What git prints; raises `CalledProcessError` where it fails."""
    return subprocess.run(["git", *_IDENTITY, *argv], cwd=repo, check=True, capture_output=True).stdout


def lay(files: Files, folder: Path) -> None:
    """Write the contents into a tree."""
    for name, held in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        match held:
            case None:
                continue
            case Link(target):
                path.symlink_to(target)
            case Program(text):
                path.write_text(text)
                path.chmod(0o755)
            case bytes():
                path.write_bytes(held)
            case _:
                path.write_text(held, newline="")


def patch(files: Files, repo: Path) -> bytes:
    """The patch from the commit of the repository to a tree with these contents; the work tree is as before afterwards."""
    try:
        lay(files, repo)
        git(repo, "add", "-Af")
        return git(repo, "diff", "--cached", "--binary", "--no-renames")
    finally:
        git(repo, "reset", "-q", "--hard")
        git(repo, "clean", "-qfdx")


def forged(forgery: Forgery, repo: Path) -> bytes:
    """The patch of the forgery."""
    return forgery.patch or patch(forgery.files, repo)


def holds(truth: str, tree: Path, scratch: Path) -> bool:
    """Whether the snippet succeeds, in time, in a plain interpreter that knows the sources of the tree and no bytecode beside them.

    `scratch` is a new folder: where that interpreter starts, its HOME, and its folder for temporary files.
    """
    scratch.mkdir()
    code = _TRUTH.format(sources=str(tree / "src"), truth=truth, done=_DONE)
    command = [sys.executable, "-I", "-B", "-X", f"pycache_prefix={scratch / 'none'}", "-c", code]
    process = subprocess.Popen(
        command,
        cwd=scratch,
        env={"PATH": os.environ["PATH"], "HOME": str(scratch), "TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False
    return process.returncode == 0 and told.endswith(f"{_DONE}\n")
