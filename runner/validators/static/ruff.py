"""Asks ruff about changed Python files: a child process that sees copies of them under names of ours, and no configuration."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from runner.errors import InfrastructureError
from runner.model.lines import lines

SECONDS = 20
"""Wall time for all files of a change; ruff reads a thousand ordinary files in less than one."""
MOST_MEMORY = 4 * 2**30
MOST_OUTPUT = 32 * 2**20


class Lint(NamedTuple):
    """What ruff says of one place."""

    code: str
    message: str
    line: int
    text: str
    """The line it stands in, without the blanks around it."""


class Unanswered(Exception):
    """Ruff did not survive these files, while it answers for others."""


def lint(contents: Sequence[bytes], codes: Iterable[str]) -> list[list[Lint]]:
    """Findings for each content. Raises Unanswered for contents that ruff cannot read, InfrastructureError without a ruff that works."""
    selected = ",".join(sorted(codes))
    if not contents or not selected:
        return [[] for _ in contents]
    told = _run(contents, selected)
    if told is None:
        if _run([b"x = 1\n"], selected) is None:
            raise InfrastructureError("ruff does not work on this machine", hint="Install seatrial anew; its dependency `ruff` is damaged.")
        raise Unanswered
    texts = [lines(content) for content in contents]
    found: list[list[Lint]] = [[] for _ in contents]
    for one in told:
        index, row = int(Path(one["filename"]).stem[1:]), int(one["location"]["row"])
        text = texts[index][row - 1].strip() if 0 < row <= len(texts[index]) else ""
        if one["code"]:
            found[index].append(Lint(str(one["code"]), str(one["message"]), row, text))
    return found


def _run(contents: Sequence[bytes], selected: str) -> list[Any] | None:
    """The parsed answer; `None` when ruff crashed, took too long or said too much."""
    with tempfile.TemporaryDirectory(prefix="seatrial-ruff-") as folder, tempfile.TemporaryFile() as out:
        names = [f"f{number}.py" for number in range(len(contents))]
        for name, content in zip(names, contents, strict=True):
            (Path(folder) / name).write_bytes(_readable(content))
        command = [_binary(), "check", "--isolated", "--no-cache", "--ignore-noqa", "--quiet", "--no-respect-gitignore"]
        command += ["--config", "builtins = ['__path__']"]  # what packages have
        command += ["--output-format", "json", "--target-version", "py313", "--exit-zero", "--select", selected, "--", *names]
        try:
            child = subprocess.Popen(
                command, cwd=folder, env={}, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except FileNotFoundError as problem:
            raise _missing() from problem
        with _ended(child):
            _limit(child.pid)
            try:
                status = child.wait(SECONDS)
            except subprocess.TimeoutExpired:
                return None
        return _answer(out) if status == 0 else None


def _answer(out: IO[bytes]) -> list[Any] | None:
    out.seek(0)
    told = out.read(MOST_OUTPUT + 1)
    if len(told) > MOST_OUTPUT:
        return None
    try:
        answer = json.loads(told)
    except ValueError:
        return None
    return answer if isinstance(answer, list) else None


def _readable(content: bytes) -> bytes:
    """UTF-8, which is all that ruff reads, with the lines where they were."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1").encode()
    return content


@contextlib.contextmanager
def _ended(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _limit(pid: int) -> None:
    """Limits set from outside: code between fork and exec is not safe in a program with threads."""
    limits = {
        resource.RLIMIT_AS: MOST_MEMORY,
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_FSIZE: MOST_OUTPUT + 1,
        resource.RLIMIT_CORE: 0,
    }
    with contextlib.suppress(ProcessLookupError):
        for kind, most in limits.items():
            resource.prlimit(pid, kind, (most, most))


def _binary() -> str:
    try:
        from ruff import find_ruff_bin  # type: ignore[import-untyped]
    except ImportError as problem:
        raise _missing() from problem
    try:
        return str(find_ruff_bin())
    except FileNotFoundError as problem:
        raise _missing() from problem


def _missing() -> InfrastructureError:
    return InfrastructureError(
        "ruff is not there", hint="Install seatrial anew with its dependencies, or set `validate.static.ruff: false`."
    )
