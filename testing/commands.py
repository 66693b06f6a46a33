"""Command lines as processes of their own that start at once: each is forked from a process that has loaded everything and runs no thread.

They are children of whoever asks, with an id, signals, files and an end like any other: orphans, taken in by the nearest of their ancestors that
is ready to. `SEATRIAL_COLD=1` starts each anew (make long), and so does `cold=True`, for what is about that very start.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parents[1]
COLD = os.environ.get("SEATRIAL_COLD") == "1"
_START = "import faulthandler, signal\nfaulthandler.register(signal.SIGUSR1)\n{}\nfrom runner.cli.main import entry\nentry()"
"""Asked by SIGUSR1, each says where its threads are."""
_SUBREAPER: Final = 36
_MOST: Final = 200_000
"""Bytes of what is asked for at once."""
_LATER: Final = (
    "alembic.command",
    "alembic.config",
    "dbos",
    "docker",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "uvicorn",
)
"""What commands load in the middle of their work."""


class Command(subprocess.Popen[Any]):
    """A command line under way; `before` is Python that its process runs first, `under` a program that it is started by."""

    def __init__(self, argv: Sequence[str], *, before: str = "", under: Sequence[str] = (), cold: bool = False, **given: Any) -> None:
        self._before, self._cold = before, cold or COLD or bool(under)
        self._argv = [str(word) for word in argv]
        given["env"] = {**(given.get("env") or os.environ), "PYTHONPATH": str(ROOT)}
        super().__init__([*under, sys.executable, "-c", _START.format(before), *self._argv], **given)

    def _execute_child(self, *given: Any) -> None:
        if self._cold:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        cwd, env, pipes = given[5], given[6], given[10:16]
        streams = [number if found == -1 else found for number, found in enumerate((pipes[0], pipes[3], pipes[5]))]
        self.pid = _nursery().start(self._argv, self._before, str(cwd or Path.cwd()), env, streams)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def run(argv: Sequence[str], *, stdin: str | bytes | None = None, timeout: float = 300, **given: Any) -> "subprocess.CompletedProcess[Any]":
    """Run a command line to its end, and keep what it says."""
    given = {
        "stdin": subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        **given,
    }
    with Command(argv, **given) as process:
        try:
            out, err = process.communicate(stdin, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


# ── whoever asks ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Nursery:
    """The process that forks, and the word that is had with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own = {**os.environ, "PYTHONPATH": str(ROOT), "PYDANTIC_DISABLE_PLUGINS": "__all__"}
        command = [sys.executable, "-m", "testing.commands", str(theirs.fileno())]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=ROOT, env=own, pass_fds=[theirs.fileno()], **quiet)
        theirs.close()

    def start(self, argv: Sequence[str], before: str, cwd: str, env: Mapping[str, str], streams: Sequence[int]) -> int:
        """The id of a new child of this process: it is left alone by its parent while this one takes such in, and begins after that."""
        asked = json.dumps({"argv": argv, "before": before, "cwd": cwd, "env": dict(env)}).encode()
        begins, here = os.pipe()
        with self._lock:
            _takes_in(1)
            try:
                socket.send_fds(self._line, [asked], [*streams, begins])
                pid, left = self._line.recv(64), self._line.recv(64)
            finally:
                _takes_in(0)
                os.close(begins)
                os.close(here)
        assert (pid, left) != (b"", b""), "the process that forks has ended"
        return int(pid)

    def close(self) -> None:
        self._line.close()
        self.process.wait()


@cache
def _nursery() -> _Nursery:
    made = _Nursery()
    atexit.register(made.close)
    return made


def _takes_in(whether: int) -> None:
    ctypes.CDLL(None).prctl(_SUBREAPER, whether, 0, 0, 0)


# ── who forks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> None:
    """Fork until nobody asks any more."""
    line = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load()
    if threading.active_count() != 1:
        raise RuntimeError("a process with threads must not fork")
    while True:
        asked, streams, _, _ = socket.recv_fds(line, _MOST, 4)
        if not asked:
            return
        between = os.fork()
        if not between:
            _leave(line, json.loads(asked), streams)
        for stream in streams:
            os.close(stream)
        os.waitpid(between, 0)
        line.send(b"left")


def _load() -> None:
    import runner

    for found in pkgutil.walk_packages(runner.__path__, "runner."):
        if not {"inside", "migrations", "__main__"} & set(found.name.split(".")):  # programs, which do something where they are loaded
            importlib.import_module(found.name)
    for name in _LATER:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _leave(line: socket.socket, asked: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Start the process, and leave it to whoever takes it in."""
    pid = os.fork()
    if pid:
        line.send(str(pid).encode())
        os._exit(0)
    os.read(streams[3], 1)
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["-c", *asked["argv"]]
    try:
        exec(_START.format(asked["before"]), {"__name__": "__main__"})  # it ends the process
    except BaseException:  # noqa: BLE001 - whatever it was, this process goes on with nothing
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
