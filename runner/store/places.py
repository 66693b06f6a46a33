"""Where Seatrial keeps things on this machine: cache and state, by the XDG rules."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StoreUnavailable


@dataclass(frozen=True)
class Places:
    """The two directories; neither needs to exist yet."""

    cache: Path
    state: Path

    @property
    def folders(self) -> dict[str, Path]:
        """Both, by what they are called."""
        return {"state": self.state, "cache": self.cache}


def places(env: Mapping[str, str] | None = None) -> Places:
    """The directories for this environment; raises StoreUnavailable when there is no home directory to put them in."""
    env = os.environ if env is None else env
    return Places(
        cache=_base(env, "XDG_CACHE_HOME", ".cache") / "seatrial",
        state=_base(env, "XDG_STATE_HOME", ".local/state") / "seatrial",
    )


def claim(directory: Path) -> Path:
    """`directory`, made with mode 0700 if absent; raises StoreUnavailable unless it is ours alone to write."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as problem:
        raise StoreUnavailable(
            f"{directory} cannot be made: {problem.strerror}", hint="Set XDG_STATE_HOME and XDG_CACHE_HOME to folders you can write to."
        ) from problem
    if not stat.S_ISDIR(found.st_mode):
        raise StoreUnavailable(f"{directory} is not a folder", hint="Move it away, or set XDG_STATE_HOME and XDG_CACHE_HOME.")
    if found.st_uid != os.geteuid():
        raise StoreUnavailable(
            f"{directory} belongs to user {found.st_uid}, not to you ({os.geteuid()})",
            hint="Run as its owner, or set HOME, XDG_STATE_HOME and XDG_CACHE_HOME to folders of your own.",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StoreUnavailable(f"other users may write to {directory}", hint=f"chmod 700 {directory}")
    return directory


def _base(env: Mapping[str, str], name: str, fallback: str) -> Path:
    given = env.get(name, "")
    if given.startswith("/"):  # the XDG rules: a relative path is invalid and must be ignored
        return Path(given)
    home = env.get("HOME") or _home_of_the_user()
    if not home.startswith("/"):
        raise StoreUnavailable("there is no home directory to keep the record of runs in", hint=f"Set HOME or {name} to an absolute path.")
    return Path(home) / fallback


def _home_of_the_user() -> str:
    try:
        return str(Path.home())
    except RuntimeError:  # a user without an entry, as in many containers
        return ""
