"""Reads objects through `git cat-file`: one lasting process for single reads, a stream for many."""

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from runner.errors import InfrastructureError, UsageError
from runner.git.command import Git, ended, pipes, plain


class Found(NamedTuple):
    """An object: its kind (`blob`, `tree`, `commit`, `tag`) and content."""

    kind: str
    content: bytes


def missing(name: str) -> UsageError:
    """The error for an object that the repository should have."""
    return UsageError(
        f"the repository does not have object {name}",
        hint="Is it a partial clone? `git fetch --refetch --no-filter` gets everything; `git fsck` finds damage.",
    )


class Cat:
    """One `git cat-file --batch`, started when first needed; safe to use from several threads."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._open = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def close(self) -> None:
        """End the process; a later read starts another."""
        with self._lock:
            self._end()

    def get(self, name: str) -> Found:
        """One object by its hexadecimal id; raises UsageError when it is missing, InfrastructureError when it is damaged."""
        with self._lock:
            process = self._running()
            to_git, from_git = pipes(process)
            try:
                to_git.write(name.encode("ascii") + b"\n")
                to_git.flush()
                found = _one(from_git)
            except BaseException as broken:  # the stream is out of step after any interruption, Ctrl-C included
                told = self._end()
                if isinstance(broken, OSError | EOFError | ValueError):
                    raise InfrastructureError(f"git cannot read object {name}: {told or broken}", hint="Try `git fsck`.") from broken
                raise
        if found is None:
            raise missing(name)
        return Found(found[1], found[2])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._errors = self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            self._process = self._open.enter_context(ended(self._git.start("cat-file", "--batch", stderr=self._errors)))
        return self._process

    def _end(self) -> str:
        told = ""
        if self._process is not None and self._errors is not None:
            self._process.kill()
            self._process.wait()
            self._errors.seek(0)
            told = plain(self._errors.read(4096))
        self._open.close()
        self._process = self._errors = None
        return told


def stream(git: Git, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Contents of many blobs, in the order asked for, one in memory at a time; raises UsageError for a missing one."""
    with tempfile.TemporaryFile() as errors, ended(git.start("cat-file", "--batch", "--buffer", stderr=errors)) as process:
        _, from_git = pipes(process)
        wanted = list(ids)
        feeder = threading.Thread(target=_ask, args=(process, wanted), daemon=True)
        feeder.start()
        for name in wanted:
            try:
                found = _one(from_git)
            except (OSError, EOFError, ValueError) as broken:
                errors.seek(0)
                told = plain(errors.read(4096))
                raise InfrastructureError(f"git cannot read object {name}: {told or broken}", hint="Try `git fsck`.") from broken
            if found is None:
                raise missing(name)
            yield name, found[2]


def sizes(git: Git, ids: Iterable[str]) -> dict[str, int]:
    """Sizes in bytes by object id, without reading contents; raises UsageError for a missing one."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    answer = git.run("cat-file", "--batch-check", "--buffer", stdin="\n".join(wanted).encode() + b"\n")
    known: dict[str, int] = {}
    for line in answer.out.decode("ascii", "replace").splitlines():
        name, kind, *rest = line.split(" ")
        if kind == "missing" or not rest:
            raise missing(name)
        known[name] = int(rest[0])
    if len(known) < len(wanted):
        raise InfrastructureError(f"git cannot read the objects of the change: {answer.reason}", hint="Try `git fsck`.")
    return known


def _ask(process: subprocess.Popen[bytes], wanted: list[str]) -> None:
    to_git, _ = pipes(process)
    with contextlib.suppress(OSError, ValueError):
        for start in range(0, len(wanted), 1000):
            to_git.write(("\n".join(wanted[start : start + 1000]) + "\n").encode("ascii"))
        to_git.close()


def _one(pipe: IO[bytes]) -> tuple[str, str, bytes] | None:
    header = pipe.readline()
    if not header:
        raise EOFError("git ended early")
    words = header.decode("ascii", "replace").split()
    if words[-1:] == ["missing"]:
        return None
    content = pipe.read(int(words[2]))
    if len(content) != int(words[2]) or pipe.read(1) != b"\n":
        raise EOFError("git ended early")
    return words[0], words[1], content
