"""Runs the operator's commands on this host; what they start is the service, and stays."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from runner.model.units import show_duration
from runner.ports import Ran

_SHOWN: Final = 4096
"""Bytes of the output that are told, from the end."""
_REAPING: Final = 5.0


def run_command(argv: Sequence[str], seconds: float, variables: Mapping[str, str], *, log: Path) -> Ran:
    """Run an argument list without a shell, from the root folder, without input; its output goes to the end of `log`.

    At the end of its time its whole process group is killed. A service that it leaves running has `log` for its output, unless it has
    another: a pipe would break under it when this process ends. Never raises.
    """
    began = time.monotonic()
    named = shlex.join(argv)
    try:
        for level in (log.parent.parent, log.parent):
            level.mkdir(mode=0o700, exist_ok=True)
        with log.open("ab") as output:
            start = output.tell()
            process = subprocess.Popen(
                list(argv),
                cwd="/",
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        status = _ended(process, seconds)
        with log.open("rb") as written:
            said = _end_of(written, start)
    except OSError as problem:
        return Ran(False, f"`{named}` cannot be started: {problem.strerror}", "", time.monotonic() - began)
    took = time.monotonic() - began
    if status is None:
        return Ran(False, f"`{named}` was ended after {show_duration(seconds)}", said, took)
    if status:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return Ran(False, f"`{named}` ended {how}", said, took)
    return Ran(True, f"`{named}` ended well", said, took)


def _ended(process: "subprocess.Popen[bytes]", seconds: float) -> int | None:
    """Its status, or `None` when its time was up."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # before it is reaped: until then its number is nobody else's
        with suppress(subprocess.TimeoutExpired):
            process.wait(_REAPING)
        return None


def _end_of(file: IO[bytes], start: int) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(start, size - _SHOWN))
    return file.read(_SHOWN).decode("utf-8", "replace")
