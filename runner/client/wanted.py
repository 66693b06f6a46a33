"""What is asked of a server: a change, and what is to become of it, as the body of one request."""

from collections.abc import Iterator
from typing import Any

from runner.model.value import Value


class Wanted(Value):
    """A change for a server, with everything by the names that it knows."""

    content: bytes
    kind: str
    """What `content` is: `diff` or `edits`."""
    name: str = ""
    """What it is called, for people."""
    base: str = ""
    """The commit that it is based on; empty: what the server takes."""
    repo: str = ""
    """The repository, for a check; else empty."""
    target: str = ""
    """The target, for a submit; else empty."""
    agent: str = ""
    ticket: str = ""
    gates: str = "inform"

    @property
    def parts(self) -> Iterator[bytes]:
        """All that makes it what it is, for a key."""
        yield self.content
        for text in self.fields.values():
            yield text.encode("utf-8", "surrogateescape")
        yield self.kind.encode()

    @property
    def fields(self) -> dict[str, str]:
        """The fields of `POST /api/v1/runs` but for the change itself; those that say nothing are left out."""
        named = {"target": self.target, "repo": self.repo, "name": self.name, "base": self.base, "agent": self.agent, "ticket": self.ticket}
        told = {name: text for name, text in named.items() if text}
        if self.repo:
            told["gates"] = self.gates
        return {"command": "check" if self.repo else "submit", **told}

    @property
    def body(self) -> dict[str, Any]:
        """The body of the request, as `requests` takes it: a form, since a diff need not be UTF-8."""
        media = "application/json" if self.kind == "edits" else "application/octet-stream"
        return {"data": self.fields, "files": {"change": ("change", self.content, media)}}
