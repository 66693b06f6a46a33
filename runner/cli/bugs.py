"""Writes down what is needed to find a bug: the traceback, the versions, the command line."""

import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from runner import __version__
from runner.store.address import scrubbed
from runner.store.places import claim, places

_PACKAGES = ("click", "pydantic", "docker", "sqlalchemy", "alembic", "psycopg", "rich", "pyyaml", "dbos")


def write(problem: BaseException, arguments: Sequence[str]) -> Path:
    """The private log file, under the state directory, that was written; raises OSError or StoreUnavailable."""
    folder = claim(claim(places().state) / "bugs")
    path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.log"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(text(problem, arguments).encode("utf-8", "backslashreplace"))
    return path


def text(problem: BaseException, arguments: Sequence[str]) -> str:
    """Versions, command line and traceback, without the password of the database."""
    versions = [f"{name} {_version(name)}" for name in _PACKAGES]
    head = (
        f"seatrial {__version__}",
        f"python {sys.version.split()[0]} on {platform.platform()}",
        ", ".join(versions),
        f"arguments {[*arguments]!a}",
    )
    return scrubbed("\n".join((*head, "", *traceback.format_exception(problem))))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
