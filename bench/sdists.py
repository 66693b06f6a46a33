"""Source distributions: fetched with pip's own client by name, version and hash, unpacked without running anything of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

_MOST_BYTES = 200 * 2**20
_FETCH = """
import logging, sys
from pip._internal.commands import create_command

name, version, place = sys.argv[1:]
logging.disable(logging.WARNING)
command = create_command("download")
options, _ = command.parse_args(["--no-deps", "--no-binary", ":all:", "--pre", name])
with command.main_context():
    session = command.get_default_session(options)
    candidates = command._build_package_finder(options, session).find_all_candidates(name)
    links = [each.link for each in candidates if str(each.version) == version and each.link.filename.endswith(".tar.gz")]
    if not links:
        raise SystemExit(f"there is no source distribution of {name} {version}")
    answer = session.get(links[0].url_without_fragment, headers={"Accept-Encoding": "identity"})
    answer.raise_for_status()
    with open(place, "wb") as file:
        file.write(answer.content)
"""
"""`pip download` has a source distribution build its metadata, which runs it; pip's index client alone does not, and its settings hold."""


def fetch(name: str, version: str, sha256: str, folder: Path) -> Path:
    """The archive of a release in `folder`; SystemExit when its content is not the one expected."""
    archive = folder / f"{name}-{version}.tar.gz"
    if not archive.exists() or digest(archive) != sha256:
        folder.mkdir(parents=True, exist_ok=True)
        beside = archive.with_suffix(".part")
        subprocess.run([sys.executable, "-I", "-c", _FETCH, name, version, str(beside)], check=True, stdout=sys.stderr)
        if digest(beside) != sha256:
            raise SystemExit(f"{archive.name} has the digest {digest(beside)}, and not {sha256}")
        beside.replace(archive)
    return archive


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unpack(archive: Path, folder: Path) -> None:
    """Plain files and folders below the archive's one top folder; anything else in it is an error."""
    total = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            if member.name.startswith("/") or ".." in parts or not (member.isfile() or member.isdir()):
                raise SystemExit(f"{archive.name}: {member.name} is no plain file")
            total += member.size
            if total > _MOST_BYTES:
                raise SystemExit(f"{archive.name} is larger than {_MOST_BYTES} bytes")
            inner = PurePosixPath(*parts[1:])
            if member.isfile() and parts[1:]:
                member.name = str(inner)
                tar.extract(member, folder, filter="data")


def lay(archive: Path, folder: Path) -> None:
    """What the archive holds, as its repository would hold it: without what packaging adds."""
    unpack(archive, folder)
    for made in [path for path in folder.rglob("*.egg-info") if path.is_dir()]:
        shutil.rmtree(made)
    (folder / "PKG-INFO").unlink(missing_ok=True)  # git repositories have none, and it would tell the version


def git(folder: Path, *argv: str) -> bytes:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env = {**plain, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-c", "core.hooksPath=/dev/null")
    return subprocess.run(["git", *who, *argv], cwd=folder, env=env, check=True, capture_output=True).stdout


def commit(folder: Path, name: str, version: str) -> None:
    """Everything in the folder as one commit, tagged with the version."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", f"{name} {version}")
    git(folder, "tag", f"v{version}")
