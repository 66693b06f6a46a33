"""Writes answers to stdout and to files, whoever reads or does not read them."""

import errno
import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from runner.errors import InfrastructureError, UsageError
from runner.model.text import inert


def emit(text: str) -> None:
    """Write to stdout; a reader that went away is no failure. Raises InfrastructureError when it cannot be written."""
    if sys.stdout is None:  # started with a closed stdout
        return
    data = inert(text).encode(getattr(sys.stdout, "encoding", None) or "utf-8", "backslashreplace")
    try:
        sys.stdout.flush()
        _write_all(getattr(sys.stdout, "buffer", sys.stdout), data)
        sys.stdout.flush()
    except OSError as problem:
        _forget_stdout()
        if problem.errno != errno.EPIPE:
            raise InfrastructureError(f"the answer cannot be written to stdout: {problem.strerror}") from problem


def _write_all(stream: Any, data: bytes) -> None:
    """Write to the end: with PYTHONUNBUFFERED the stream is a bare file, which may take only a part and say no more of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


def _forget_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not fail, too."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def check_writable(path: Path) -> None:
    """Raise UsageError now if a report could not be written to `path` later."""
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} for the report {path.name}", hint=f"mkdir -p {folder}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; a report is a file")
    if not os.access(path if path.exists() and not _is_foreign_link(path) else folder, os.W_OK):
        raise UsageError(f"the report {path} cannot be written: permission denied")


def save(path: Path, text: str) -> None:
    """Write a whole file or nothing (a device or pipe is written to directly); raises InfrastructureError.

    A symbolic link is replaced, not followed: reports are written where changes are checked out, and a change may hold the link.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _is_foreign_link(path):
            _replace(path, data)
        elif path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.write(data)
        else:
            _replace(path.resolve(), data)
    except OSError as problem:
        raise InfrastructureError(f"the report {path} cannot be written: {problem.strerror}") from problem


def _is_foreign_link(path: Path) -> bool:
    """A link that is not one of the system's, such as /dev/stdout."""
    return path.is_symlink() and path.parent.resolve().parts[1:2] not in (("dev",), ("proc",))


def _replace(path: Path, data: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as beside:
        try:
            beside.write(data)
            beside.flush()
            os.fchmod(beside.fileno(), 0o666 & ~_umask())
            Path(beside.name).replace(path)
        except BaseException:
            Path(beside.name).unlink()
            raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
