"""How much one process carries at once: so many sandboxes, and nothing more of what others could take while there is no room."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Condition, Event
from typing import Final

MOST_LEGS: Final = 4
"""Legs that a process carries at once for each slot: most of them wait for a target or a probe, and need no sandbox."""
_COMING: Final = 3.0
"""Seconds for which what was taken and has not begun counts; after that another process of this state folder has it."""
_LOOK: Final = 0.5


def name_of(run: str, leg: int) -> str:
    """What a leg is called in the library's tables."""
    return f"{run}.{leg}"


def leg_of(name: str) -> int:
    """The number of the leg of that name."""
    return int(name.rpartition(".")[2])


def is_early(leg: int) -> bool:
    """Whether a leg comes to a sandbox: what sets out again has been tried."""
    return leg <= 1


class Room:
    """The slots of a process; `slots` 0 is no bound. Any thread may call it.

    A leg is early until its work in a sandbox is over: it needs a slot, or has one. What is early here counts before what is taken.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.closed = False
        """Whether nothing is to be taken any more."""
        self._moved = Condition()
        self._used = 0
        self._early: dict[object, str] = {}
        self._legs = 0
        self._coming: dict[str, float] = {}

    def spare(self) -> int:
        """How many legs may be taken now."""
        with self._moved:
            return self._spare()

    def _spare(self) -> int:
        now = time.monotonic()
        self._coming = {name: until for name, until in self._coming.items() if until > now}
        if self.closed:
            return 0
        if not self.slots:
            return sys.maxsize
        early = len(self._coming) + len(self._early)
        return max(0, min(self.slots - early, MOST_LEGS * self.slots - self._legs - len(self._coming)))

    def expect(self, names: Iterable[str]) -> None:
        """These legs were taken, or lie in this process's own queue, and will begin."""
        with self._moved:
            self._coming.update(dict.fromkeys(names, time.monotonic() + _COMING))

    @contextmanager
    def leg(self, name: str, *, early: bool) -> Iterator[object]:
        """While a leg is carried here; what is given tells it from another one of that name."""
        token = object()
        with self._moved:
            self._coming.pop(name, None)
            self._legs += 1
            if early:
                self._early[token] = name
        try:
            yield token
        finally:
            with self._moved:
                self._legs -= 1
                self._early.pop(token, None)

    def passed(self, leg: object) -> None:
        """A leg that is carried here comes to no sandbox any more."""
        with self._moved:
            self._early.pop(leg, None)

    @contextmanager
    def slot(self, leg: object, stopping: Event, *, new: bool = False) -> Iterator[bool]:
        """A sandbox's place, once there is one; `False` where this process is to end first. Afterwards the leg is not early any more.

        `new`: what it is for has not begun, so that it does not any more once nothing is to be taken.
        """
        with self._moved:
            while had := not (stopping.is_set() or (new and self.closed)):
                if not self.slots or self._used < self.slots:
                    break
                self._moved.wait(_LOOK)
            self._used += had
        try:
            yield had
        finally:
            with self._moved:
                self._used -= had
                if had:
                    self._early.pop(leg, None)
                self._moved.notify_all()

    def close(self) -> None:
        """Take nothing any more."""
        with self._moved:
            self.closed = True
            self._moved.notify_all()

    def empty(self) -> bool:
        """Whether no leg is carried, or will be in a moment."""
        with self._moved:
            self._spare()
            return not self._legs and not self._coming
