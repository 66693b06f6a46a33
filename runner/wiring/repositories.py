"""Where a repository of the configuration is on this machine; one that is elsewhere is fetched first, as far as a request needs it."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from runner.errors import InfrastructureError, UsageError
from runner.git.fetching import Bare, Remote, Secret
from runner.git.repository import open_repository
from runner.model.configuration import Repository
from runner.model.request import Asked
from runner.replacing import replace
from runner.store.places import Places, claim

_FOLDER: Final = "repositories"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LONGEST_SECRET: Final = 4096
_WAIT: Final = 0.1


def place_of(name: str, repository: Repository, asked: Asked, where: Places) -> Path:
    """The folder with the objects that a request names. Raises InfrastructureError where they cannot be fetched, or there is no such folder."""
    if not repository.url:
        check_usable(Path(repository.path), f"the repository '{name}'")
        return Path(repository.path)
    came, folder = time.time(), folder_of(name, repository, where)
    claim(claim(where.state) / _FOLDER)
    bare = Bare(folder, Remote(repository.url, _secret(repository), repository.timeout, repository.largest))
    commits, patched = _commits(asked)
    if commits and not asked.target and all(map(bare.has, commits)):  # what is to be promoted is measured by the branches of this moment
        return folder
    with _alone(folder.with_suffix(".lock"), 2 * repository.timeout) as mark:
        if _begun(mark) <= came:  # else somebody fetched while this waited
            begins = time.time()
            bare.fetch()
            replace(mark, f"{begins!r}\n".encode())
        if lacking := tuple(commit for commit in patched if not bare.has(commit)):
            with suppress(InfrastructureError):  # then there is no such commit, which whoever looks for it says
                bare.fetch(lacking)
    return folder


def check_usable(path: Path, called: str) -> None:
    """Raises InfrastructureError where git cannot read what the configuration names: whoever asks can do nothing about that."""
    with TemporaryDirectory(prefix="seatrial-") as home:
        try:
            open_repository(path, Path(home))
        except UsageError as problem:
            said = f"{called} cannot be used as the server's configuration names it: {problem}"
            raise InfrastructureError(said, hint="Whoever runs the server must mend that.") from problem


def folder_of(name: str, repository: Repository, where: Places) -> Path:
    """Where a repository is on this machine, or will be once something of it was needed."""
    if not repository.url:
        return Path(repository.path)
    return where.state / _FOLDER / clone_of(name, repository)


def clone_of(name: str, repository: Repository) -> str:
    """What its folder is called where it is fetched, on every machine."""
    return f"{name}-{sha256(repository.url.encode()).hexdigest()[:12]}.git"


def _commits(asked: Asked) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The commits that a request names by their whole ids, and those of them that are changes: only these may be on no branch.

    None where it names anything else, which may mean another one by now.
    """
    sides = re.split(r"\.{2,3}", asked.revision) if asked.revision else []
    named = [asked.base] if asked.base or not sides else []
    named += sides
    return (tuple(dict.fromkeys(named)), tuple(sides[-1:])) if all(map(_COMMIT.fullmatch, named)) else ((), ())


def _secret(repository: Repository) -> Secret | None:
    """What opens a repository. Raises InfrastructureError where it is not there, and never says what it is."""
    given = repository.credential
    if given is None:
        return None
    if repository.url.startswith("ssh:"):
        return Secret(key=Path(given.file))
    where = f"the file {given.file}" if given.file else f"the variable {given.env}"
    try:
        told = Path(given.file).read_text("utf-8")[: _LONGEST_SECRET + 2].rstrip("\r\n") if given.file else os.environ.get(given.env, "")
    except (OSError, ValueError) as problem:
        said = getattr(problem, "strerror", None) or "it is no text"
        raise InfrastructureError(f"the credential of {repository.url} cannot be read from {where}: {said}") from problem
    if not told or len(told) > _LONGEST_SECRET or not told.isprintable():
        raise InfrastructureError(f"{where} holds no credential for {repository.url}", hint="One line of text, and nothing else.")
    return Secret(given.user, told)


@contextmanager
def _alone(file: Path, seconds: float) -> Iterator[Path]:
    """While the block lasts, no other process fetches the same; gives the file that says when the last fetch began."""
    until = time.monotonic() + seconds
    lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > until:
                raise InfrastructureError("others fetch the same repository all the time", hint="Try again later.")
            time.sleep(_WAIT)
        yield file.with_suffix(".fetched")
    finally:
        os.close(lock)


def _begun(mark: Path) -> float:
    try:
        return float(mark.read_text())
    except (OSError, ValueError):
        return 0.0
