"""Asks the operator's command for a change: it reads what is wanted as JSON, and prints a diff."""

import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from runner.errors import InfrastructureError
from runner.model.configuration import Generator
from runner.model.text import cut, printable
from runner.model.units import show_duration, show_size

AT_ONCE: Final = 2
"""Commands that one server runs at once."""
_CHUNK: Final = 64 * 1024
_LAST: Final = 2000
"""Bytes of what it says on stderr that are told, from the end."""
_SHOWN: Final = 500
_REAPING: Final = 5.0
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class GeneratorBusy(InfrastructureError):
    """As many commands run as may at once."""

    code = "generator-busy"


class GeneratorFailed(InfrastructureError):
    """The command cannot be started, ended with an error or too late, said nothing, or said too much."""

    code = "generator-failed"


class Generating:
    """Runs the command of a configuration, a few at once. Any thread may call it; `most` bytes are taken of a diff."""

    def __init__(self, generator: Generator, most: int) -> None:
        self._generator, self._most = generator, most
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def diff(self, wanted: Mapping[str, Any]) -> bytes:
        """What the command prints of a wish: hostile text, a change to be judged as any. Raises GeneratorBusy and GeneratorFailed."""
        if not self._room.acquire(blocking=False):
            raise GeneratorBusy(f"{AT_ONCE} changes are being generated at this moment")
        try:
            import json

            with tempfile.TemporaryFile() as asked, tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
                asked.write(json.dumps(dict(wanted)).encode())
                asked.seek(0)
                return self._said(asked, folder)
        except OSError as problem:
            raise GeneratorFailed(f"the generator cannot be started: {problem.strerror}") from problem
        finally:
            self._room.release()

    def _said(self, asked: IO[bytes], folder: str) -> bytes:
        until = time.monotonic() + self._generator.timeout
        with _started(self._generator.command, asked, folder) as process:
            out, err = _read(process, until, self._most)
            if len(out) > self._most:
                raise GeneratorFailed(f"the generator printed more than {show_size(self._most)}")
            try:
                status = process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise GeneratorFailed(f"the generator took longer than {show_duration(self._generator.timeout)}") from None
        if status:
            said = cut(printable(err.decode("utf-8", "replace").strip()), _SHOWN)
            raise GeneratorFailed(f"the generator ended with status {status}" + (f": {said}" if said else ""))
        if not out.strip():
            raise GeneratorFailed("the generator printed nothing")
        return out


@contextmanager
def _started(command: tuple[str, ...], asked: IO[bytes], folder: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The command, in a folder and an environment without anything of ours; at the end nothing is left of its process group."""
    process = subprocess.Popen(
        list(command),
        stdin=asked,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={"PATH": _PATH, "HOME": folder, "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # the group is there as long as any of it is
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_REAPING)


def _read(process: "subprocess.Popen[bytes]", until: float, most: int) -> tuple[bytes, bytes]:
    """What it writes until it closes both, its time is up, or it wrote more than `most`; of stderr the end."""
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, kept in ((process.stdout, out), (process.stderr, err)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, kept)
        while selector.get_map() and len(out) <= most and (left := until - time.monotonic()) > 0:
            for ready, _ in selector.select(left):
                piece = os.read(ready.fd, _CHUNK)
                if not piece:
                    selector.unregister(ready.fileobj)
                ready.data.extend(piece)
                del err[:-_LAST]
    return bytes(out), bytes(err)
