"""What is remembered of tests between trials."""

from collections.abc import Collection, Mapping
from typing import Protocol

from runner.model.flaky import Past, Tally


class FlakyTests(Protocol):
    """The past of one repository's tests; nothing here ever raises: what cannot be read is unknown, what cannot be written is lost, and said."""

    def load(self, tests: Collection[str]) -> Mapping[str, Past]:
        """What is known of those among `tests` that ever wavered."""

    def save(self, base_tree: str, wavered: Mapping[str, Tally], passed: Collection[str]) -> None:
        """Add what one trial saw: counts of tests that wavered, and one run that passed for each of `passed` that is known already."""


class NothingKnown:
    """Where nothing is remembered, and nothing will be."""

    def load(self, tests: Collection[str]) -> Mapping[str, Past]:  # noqa: ARG002
        """Nothing."""
        return {}

    def save(self, base_tree: str, wavered: Mapping[str, Tally], passed: Collection[str]) -> None:
        """Nothing is kept."""
