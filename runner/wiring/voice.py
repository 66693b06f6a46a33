"""What a process says of the runs that it carries."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from runner.ports import Progress

subject: Final[ContextVar[str]] = ContextVar("subject", default="")
"""The run that this process is about in this thread, for its log records."""


@contextmanager
def regarding(run: str) -> Iterator[None]:
    """While the block lasts, log records are about a run."""
    before = subject.set(run)
    try:
        yield
    finally:
        subject.reset(before)


class Voice:
    """What this process says of the runs that it carries: of its own plainly, of those that it took over with their names."""

    def __init__(self, progress: Progress, mine: str) -> None:
        self.mine = mine
        self._progress = progress

    def __call__(self, run: str) -> Progress:
        """Where to say what happens to a run."""
        return self._progress if run == self.mine else Named(run, self._progress)


class Named:
    """Says what happens to one run of many."""

    def __init__(self, run: str, progress: Progress) -> None:
        self._run, self._progress = run, progress

    def stage(self, name: str) -> None:
        """A stage of it began."""
        self.note(name)

    def note(self, text: str) -> None:
        """One sentence about it."""
        with regarding(self._run):
            self._progress.note(f"run {self._run}: {text}")

    def tests(self, side: str, done: int, total: int | None) -> None:
        """Too much where there are many."""

    def probe(self, name: str, said: str) -> None:
        """What a probe of its promotion has just read."""
        with regarding(self._run):
            self._progress.probe(f"{name} of run {self._run}", said)
