"""Base results kept between runs, one compressed file each; safe to delete."""

import gzip
import logging
import os
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from runner.model.suite import SuiteRun
from runner.replacing import replace

log = logging.getLogger(__name__)
_RUNS = TypeAdapter(tuple[SuiteRun, ...])


class FileBaselines:
    """Keeps base results as files named by their key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> tuple[SuiteRun, ...] | None:
        """What was kept under this key; a file that cannot be read counts as absent."""
        file = self._file(key)
        try:
            runs = _RUNS.validate_json(gzip.decompress(file.read_bytes())) or None
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValidationError) as problem:
            log.warning("the kept base result %s cannot be read: %s", key, problem)
            return None
        with suppress(OSError):  # its time is that of its last use
            os.utime(file)
        return runs

    def save(self, key: str, runs: tuple[SuiteRun, ...]) -> None:
        """Keep base runs; written beside and renamed, so that a reader sees all or nothing. A full disk is not an error."""
        content = gzip.compress(_RUNS.dump_json(runs), compresslevel=3)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace(self._file(key), content)
        except OSError as problem:
            log.warning("the base result cannot be kept: %s", problem)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json.gz"
