"""The ends of the suites' logs, one bounded private file each: `<state>/logs/<run>/<suite>.log`."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from runner.errors import StoreUnavailable
from runner.replacing import replace

MOST = 2 * 2**20
"""Bytes kept of one log, from its end."""
_CUT = "[… the beginning was cut off …]"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def save(state: Path, run: str, logs: Mapping[str, str]) -> None:
    """Keep the end of each log; raises StoreUnavailable when it cannot be written."""
    folder = _folder(state, run)
    with _translated(folder):
        if logs:
            for level in (folder.parent, folder):  # `parents=True` would make the upper one with an open mode
                level.mkdir(mode=0o700, exist_ok=True)
        for suite, text in logs.items():
            replace(folder / f"{_named(suite)}.log", end(text))


def load(state: Path, run: str) -> dict[str, str]:
    """Every log kept of a run, by suite; empty when there is none. The text is hostile."""
    folder = _folder(state, run)
    with _translated(folder):
        if not folder.is_dir():
            return {}
        files = sorted(file for file in folder.glob("*.log") if file.is_file() and not file.is_symlink())
        return {file.stem: _read(file).decode("utf-8", "replace") for file in files}


def _read(file: Path) -> bytes:
    """The end of a file, which may be far larger: a service may still write to it."""
    with file.open("rb") as content:
        content.seek(max(0, content.seek(0, os.SEEK_END) - MOST))
        return content.read(MOST)


def _folder(state: Path, run: str) -> Path:
    return state / "logs" / _named(run)


def _named(name: str) -> str:
    if NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} cannot name a log")
    return name


def end(text: str, most: int = MOST, mark: str = _CUT) -> bytes:
    """The last `most` bytes of a log (more than none), under a line with the mark where something is missing."""
    content = text.encode("utf-8", "backslashreplace")
    return content if len(content) <= most else f"{mark}\n".encode() + content[-most:]


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StoreUnavailable(
            f"the logs under {folder} cannot be used: {problem.strerror}", hint="Free some space, or set XDG_STATE_HOME to another folder."
        ) from problem
