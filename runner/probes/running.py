"""Runs one command on this host to its end or to the end of its time, and leaves nothing of its process group behind."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Final, NamedTuple

MOST_OUTPUT: Final = 1024
"""Bytes kept of what it printed, from the end."""
_CHUNK: Final = 65536
_LAST_CHUNKS: Final = 4
_GLANCE: Final = 0.05
"""Seconds after which it is looked whether anybody still wants the command, and where the kernel does not tell of ends, whether it ended."""
_REAPING: Final = 1.0


class Ended(NamedTuple):
    """How a command ended."""

    status: int | None
    """As it exited, or the negative number of the signal that ended it; `None` when it was ended because its time was up."""
    output: bytes
    """The end of what it printed to both streams; hostile."""


def run(argv: Sequence[str], *, seconds: float, cancelled: Event | None = None) -> Ended:
    """Run an argument list without a shell, in a session of its own, from the root folder, without input.

    When it has ended, its time is up, or `cancelled` is set, the whole process group is killed; only what made itself a session of its own
    escapes. Raises OSError when it cannot be started or nobody can tell how it ended.
    """
    process = subprocess.Popen(
        list(argv),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        bufsize=0,
    )
    output = _Output(process)
    try:
        status = _wait(process.pid, output, time.monotonic() + seconds, (cancelled or Event()).is_set)
    finally:
        _kill(process)  # before it is reaped: until then its number is nobody else's
        output.last()
        output.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # one that the kernel does not let go of is reaped later
            process.wait(_REAPING)
    return Ended(status, output.tail)


class _Output:
    """The end of what a process prints."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdout is None:
            raise OSError("a process was started without a pipe")
        self._pipe = process.stdout
        self.descriptor = process.stdout.fileno()
        self.tail = b""
        os.set_blocking(self.descriptor, False)

    def more(self) -> bool:
        """Take what there is; whether more may come."""
        try:
            piece = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return True
        self.tail = (self.tail + piece)[-MOST_OUTPUT:]
        return bool(piece)

    def last(self) -> None:
        """What is left in the pipe; somebody may go on writing to it for ever."""
        with contextlib.suppress(OSError):
            for _ in range(_LAST_CHUNKS):
                if not self.more():
                    break

    def close(self) -> None:
        self._pipe.close()


def _wait(pid: int, output: _Output, deadline: float, cancelled: Callable[[], bool]) -> int | None:
    """The status, without reaping; `None` when the time was up or nobody wants it any more."""
    watched = _descriptor_of(pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(output.descriptor, selectors.EVENT_READ)
            if watched is not None:
                selector.register(watched, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0 and not cancelled():
                for key, _ in selector.select(min(left, _GLANCE)):
                    if key.fd == output.descriptor and not output.more():
                        selector.unregister(output.descriptor)
                if (status := _status(pid)) is not None:
                    return status
                if watched is None and not selector.get_map():
                    time.sleep(min(left, _GLANCE))
    finally:
        if watched is not None:
            os.close(watched)
    return None


def _descriptor_of(pid: int) -> int | None:
    """A descriptor that is readable once the process has ended, where the kernel has them."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _status(pid: int) -> int | None:
    """How it ended, if it has. Raises OSError where ends are not kept, since the parent of this program told the kernel to forget them."""
    told = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if told is None:
        return None
    return told.si_status if told.si_code == os.CLD_EXITED else -told.si_status


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
