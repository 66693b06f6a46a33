"""Folders for an index of git's, beside a private object store: locked while they are used, so that what a killed process left is known for it."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "index-"
_BIRTH: Final = 1.0
"""Seconds that the calls between making a folder and locking it may take."""


@contextmanager
def index_folder(parent: Path) -> Iterator[Path]:
    """A folder of this process alone, gone afterwards; should it be killed, `sweep` removes it."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent) as made:
        lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with suppress(OSError):  # a file system without locks: nothing is swept there
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(made)
        finally:
            os.close(lock)


def sweep(parent: Path) -> None:
    """Remove the folders that no living process has; one that cannot be removed stays for the next time."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if time.time() - os.fstat(lock).st_mtime > _BIRTH:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(lock)
