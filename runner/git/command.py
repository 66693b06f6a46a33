"""Starts git with a clean environment, a pinned configuration and, where it reads a patch, resource limits."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runner.errors import InfrastructureError
from runner.model.text import printable

_KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "SUDO_UID")
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.autocrlf=false",
    "core.safecrlf=false",
    "core.ignoreCase=false",
    "core.precomposeUnicode=false",
    "core.bigFileThreshold=16m",
    "core.pager=cat",
    "protocol.allow=never",
    "submodule.recurse=false",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
_STDERR_SHOWN = 64 * 2**10
_CHUNK = 2**20
_LONGEST_WALL = 600.0


@dataclass(frozen=True)
class ProcessLimits:
    """What one git process may use: seconds of CPU and of wall time, bytes of heap, bytes of one written file."""

    cpu: int = 30
    wall: float = 60.0
    memory: int = 512 * 2**20
    file: int = 256 * 2**20


@dataclass(frozen=True)
class Answer:
    """How a git process ended; `cut` says so when this module ended it for printing too much."""

    status: int
    out: bytes
    err: bytes
    cut: str = ""

    @property
    def ok(self) -> bool:
        """Whether git ended by itself and said that all went well."""
        return self.status == 0 and not self.cut

    @property
    def reason(self) -> str:
        """Git's own words on one line, safe to print: control characters escaped, at most 1 000 characters."""
        return self.cut or _STOPPED_BY.get(-self.status, "") or plain(self.err) or f"git ended with status {self.status}"


_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that no limit of a process sends: somebody else, or the kernel when memory is short."""
_STOPPED_BY: dict[int, str] = {
    signal.SIGXCPU: "git used more processor time than it may",
    signal.SIGXFSZ: "git wrote a larger file than it may",
    signal.SIGSEGV: "git crashed on it",
    signal.SIGABRT: "git crashed on it",
}


def plain(text: bytes, most: int = 1000) -> str:
    """Program output as one printable line: prefixes of git dropped, repeated lines once, control characters escaped."""
    lines = []
    for line in text[: 8 * most].decode("utf-8", "backslashreplace").splitlines():
        said = line.removeprefix("fatal: ").removeprefix("error: ").strip()
        if said and said not in lines:
            lines.append(said)
    return printable("; ".join(lines))[:most]


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a git process; nothing named GIT_* is inherited. `home` is an empty directory."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",  # wins over any protocol.*.allow of the repository, as no setting does
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "cat",
        **extra,
    }


@dataclass(frozen=True)
class Git:
    """Git as seen from one directory: `env` adds e.g. GIT_DIR, `config` adds `-c` settings."""

    directory: Path
    home: Path
    env: tuple[tuple[str, str], ...] = ()
    config: tuple[str, ...] = ()

    def with_env(self, **names: str) -> "Git":
        """The same with some variables added."""
        return Git(self.directory, self.home, (*self.env, *names.items()), self.config)

    def argv(self, args: Sequence[str]) -> list[str]:
        """The whole command line."""
        settings = [word for setting in (*_CONFIG, *self.config) for word in ("-c", setting)]
        return [executable(), "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs", *settings, *args]

    def start(self, *args: str, stderr: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """A running git with pipes for input and output, shielded from the terminal's Ctrl-C; the caller ends it.

        Raises InfrastructureError when it cannot be started.
        """
        try:
            return subprocess.Popen(
                self.argv(args),
                cwd=self.directory,
                env=environment(self.home, dict(self.env)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                process_group=0,
                bufsize=_CHUNK,
            )
        except OSError as problem:
            raise InfrastructureError(
                f"git cannot be started: {problem.strerror}", hint="`seatrial doctor` looks at the machine."
            ) from problem

    def run(self, *args: str, stdin: bytes = b"", limits: ProcessLimits | None = None, most: int | None = None) -> Answer:
        """Run git to its end; `most` bytes of output at most, else the answer is cut. Limits are in force before it reads `stdin`.

        Raises InfrastructureError when it took longer than the wall time allows, or somebody else killed it: what it was
        given is at fault for the processor time, the memory and the files that it used, but not for a slow machine.
        """
        wall = limits.wall if limits else _LONGEST_WALL
        with tempfile.TemporaryFile() as errors, ended(self.start(*args, stderr=errors)) as process:
            if limits is not None:
                confine(process.pid, limits)
            feeder = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
            late = threading.Event()
            clock = threading.Timer(wall, _stop, args=(process, late))
            clock.daemon = True
            clock.start()
            feeder.start()
            try:
                out, whole = _read(process, most)
                if not whole:
                    process.kill()
                status = process.wait()
            finally:
                clock.cancel()
            if whole and -status in _FROM_OUTSIDE:
                raise _interrupted(args[0], f"took longer than {wall:g} s" if late.is_set() else "was killed from outside")
            errors.seek(0)
            return Answer(status, out, errors.read(_STDERR_SHOWN), "" if whole else f"its output is larger than {most} bytes")


def executable() -> str:
    """The git to start; raises InfrastructureError when there is none."""
    found = shutil.which("git")
    if found is None:
        raise InfrastructureError("git is not installed", hint="Install git 2.34 or later.")
    return found


def _interrupted(command: str, what: str) -> InfrastructureError:
    return InfrastructureError(f"git {command} {what}", hint="Try again when the machine has time and memory to spare.")


def confine(pid: int, limits: ProcessLimits) -> None:
    """Put limits on a process that waits for its input; heap rather than address space, since packs are mapped."""
    if not hasattr(resource, "prlimit"):  # only Linux has it; elsewhere wall time and output caps remain
        return
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_DATA, (limits.memory, limits.memory))
        resource.prlimit(pid, resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 1))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limits.file, limits.file))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process, and afterwards its certain end and closed pipes."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    """Input and output of a process made by `Git.start`."""
    if process.stdin is None or process.stdout is None:
        raise InfrastructureError("git was started without pipes")
    return process.stdin, process.stdout


def _feed(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    to_git, _ = pipes(process)
    with contextlib.suppress(OSError, ValueError):
        to_git.write(stdin)
        to_git.close()


def _stop(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _read(process: subprocess.Popen[bytes], most: int | None) -> tuple[bytes, bool]:
    _, from_git = pipes(process)
    pieces: list[bytes] = []
    size = 0
    while piece := from_git.read1(_CHUNK):  # type: ignore[attr-defined]
        size += len(piece)
        if most is not None and size > most:
            return b"".join(pieces), False
        pieces.append(piece)
    return b"".join(pieces), True
