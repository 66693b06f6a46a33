"""What a person sees."""

from typing import Protocol


class Progress(Protocol):
    """What a person sees while a run goes on."""

    def stage(self, name: str) -> None:
        """A stage began."""

    def note(self, text: str) -> None:
        """One sentence worth saying."""

    def tests(self, side: str, done: int, total: int | None) -> None:
        """How far a suite run is."""

    def probe(self, name: str, said: str) -> None:
        """What a probe of a promotion has just read."""
