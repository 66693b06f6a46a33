"""What was asked of a server: everything by name, so that any worker that knows those names can carry it out."""

from typing import Final, Literal

from pydantic import model_validator

from runner.model.run import Command
from runner.model.value import Value

Kind = Literal["", "diff", "edits", "revision", "range"]
_NAMED: Final = ("revision", "range")


class Asked(Value):
    """One request to check or to submit a change."""

    run: str
    """The id that its run will have."""
    command: Command
    repo: str
    """The name of a repository in the server's configuration."""
    target: str = ""
    """The name of a target there; empty for a check."""
    change: bytes = b""
    """A diff, or JSON edits; empty where `revision` names the change."""
    kind: Kind = ""
    """What `change` is: `diff`, `edits`, or nothing where its looks decide; else what `revision` is."""
    revision: str = ""
    """A revision of the repository, or a range of them."""
    name: str = ""
    """What people call the change, in one harmless line: by the word of whoever asked, and for people alone."""
    base: str = ""
    author: str
    """Who asked, by the token."""
    agent: str = ""
    ticket: str = ""
    enforce: bool = False
    """Whether the gates of a check may refuse it, and count it."""

    @model_validator(mode="after")
    def _never_a_path(self) -> "Asked":
        """A revision whose kind is not said would be looked for on the disk of whoever carries the request, and be read there as a diff."""
        if self.revision and (self.kind not in _NAMED or self.change):
            raise ValueError("a revision is a `revision` or a `range`, and nothing comes with it")
        if not self.revision and self.kind in _NAMED:
            raise ValueError(f"a {self.kind} has a name")
        return self
