"""What was asked of a server: everything by name, so that any worker that knows those names can carry it out."""

from runner.model.run import Command
from runner.model.value import Value


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
    kind: str = ""
    """What `change` is: `diff`, `edits`, or nothing where its looks decide."""
    revision: str = ""
    """A revision of the repository, or a range of them."""
    base: str = ""
    author: str
    """Who asked, by the token."""
    agent: str = ""
    ticket: str = ""
    enforce: bool = False
    """Whether the gates of a check may refuse it, and count it."""
