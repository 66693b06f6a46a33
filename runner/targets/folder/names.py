"""The names of what lies beside a target: each ends with the fence of who may use it, and whoever takes over renames it first."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from runner.durable import sync_folder
from runner.errors import Fenced
from runner.targets.folder.removal import erase

BACK: Final = ".back"
"""The link that leads to the old release."""
CARRIED: Final = ".carried"
"""The record of what was carried over."""
GONE: Final = "-gone"
"""What is to be removed, whoever comes by; some random digits follow."""


class Found(NamedTuple):
    """One of the names, as it is there."""

    fence: int
    kind: str
    gone: bool
    path: Path


class Names(NamedTuple):
    """The names in a folder that begin with `stem`; the rest is a fence, and a kind: nothing for the thing itself, BACK or CARRIED.

    A process that was stopped knows only names with its own fence. Once `claim` has returned, none of them is there any more, so
    whatever it still tries by such a name fails.
    """

    folder: Path
    stem: str

    def at(self, fence: int, kind: str = "") -> Path:
        """The name for one fence."""
        return self.folder / f"{self.stem}{fence}{kind}"

    def present(self) -> tuple[Found, ...]:
        """All that are there, whoever made them. Raises OSError."""
        pattern = re.compile(re.escape(self.stem) + rf"(\d+)(\.[a-z]+)?({GONE}[0-9a-f]*)?", re.DOTALL)
        found = ((name, pattern.fullmatch(name)) for name in os.listdir(self.folder))  # noqa: PTH208 - a name need not be text
        return tuple(Found(int(one[1]), one[2] or "", bool(one[3]), self.folder / name) for name, one in found if one)

    def held(self, fence: int) -> None:
        """Raises Fenced when somebody has taken over from `fence`."""
        newer = max((one.fence for one in self.present() if not one.gone), default=0)
        if newer > fence:
            raise Fenced(f"Somebody else has taken over what lies in '{self.folder}': {newer} after {fence}.")

    def claim(self, fence: int) -> None:
        """Take over everything that has a smaller fence, and sync that. Raises Fenced when somebody with a larger one has, and OSError."""
        self.held(fence)
        while older := [one for one in self.present() if one.fence < fence and not one.gone]:
            for one in sorted(older, key=lambda one: (one.kind, -one.fence)):  # the thing itself first, and of two the later
                self._take(one, fence)
            sync_folder(self.folder)

    def _take(self, one: Found, fence: int) -> None:
        mine = self.at(fence, one.kind)
        with suppress(FileNotFoundError):  # a third one was quicker
            one.path.rename(_gone(one.path) if os.path.lexists(mine) else mine)

    def discard(self, one: Path) -> None:
        """Make it something that anybody may remove; nothing happens when it is not there. Raises OSError."""
        with suppress(FileNotFoundError):
            one.rename(_gone(one))

    def sweep(self) -> None:
        """Remove what was discarded. Raises OSError."""
        for one in self.present():
            if one.gone:
                erase(one.path)

    def theirs(self, fence: int) -> tuple[tuple["Names", Path], ...]:
        """All that was laid with a fence up to this one and is not discarded yet. Raises OSError."""
        return tuple((self, one.path) for one in self.present() if one.fence <= fence and not one.gone)

    def clear(self, fence: int) -> None:
        """Remove all that was laid with a fence up to this one. Raises OSError."""
        for _, one in self.theirs(fence):
            self.discard(one)
        self.sweep()


def discarded(folder: Path, start: str) -> tuple[Path, ...]:
    """What any run has discarded in a folder, and nobody has removed yet. Raises OSError.

    `start` is a pattern of what comes before `.seatrial-` in the stem. Nobody looks for such a name again, even while its run is open.
    """
    pattern = re.compile(rf"{start}\.seatrial-.+-\d+(\.[a-z]+)?{GONE}[0-9a-f]*", re.DOTALL)
    return tuple(folder / name for name in os.listdir(folder) if pattern.fullmatch(name))  # noqa: PTH208 - a name need not be text


def _gone(one: Path) -> Path:
    return one.with_name(f"{one.name}{GONE}{uuid4().hex[:8]}")
