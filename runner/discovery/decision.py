"""What was decided for a repository, and the file that it was read from."""

from typing import NamedTuple


class Decision(NamedTuple):
    """One choice: the policy key it fills, what was chosen, and the file (and key) that says so."""

    key: str
    """`tests`, `sandbox.env`, or `sandbox.build.extras` and the like."""
    what: str
    source: str

    def __str__(self) -> str:
        """One sentence for people."""
        return f"{self.what} ({self.source})" if self.source else self.what
