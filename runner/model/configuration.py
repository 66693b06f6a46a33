"""What a server and its workers are told by their operator: repositories and targets by name, so that a client names no path."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from runner.model.units import Size
from runner.model.value import Value

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Repository(Value):
    """A repository that changes are made for."""

    path: str
    """Where it is on this machine."""
    policy: str = ""
    """The policy that checks of its changes are judged by; empty: that of their base."""


class Destination(Value):
    """A target that changes may be submitted to."""

    target: str
    """As `seatrial submit --target` takes it, with an absolute path."""
    repo: Name
    """The repository that its changes are made for."""
    policy: str = ""
    """The policy that judges what is submitted; empty: that of what the target holds."""


class Configuration(Value):
    """The file of `seatrial serve` and `seatrial worker`."""

    seatrial_server: Literal[1] = Field(alias="seatrial-server")
    listen: str = "127.0.0.1:8642"
    """An address with a port, or `unix:PATH`."""
    most_change: Size = 8 * 2**20
    """Bytes of a request to check or submit."""
    slots: Annotated[int, Field(ge=1, le=256)] = 2
    """Runs that one worker carries at once."""
    repos: dict[Name, Repository] = {}
    targets: dict[Name, Destination] = {}

    @model_validator(mode="after")
    def _known(self) -> "Configuration":
        for name, target in self.targets.items():
            if target.repo not in self.repos:
                raise ValueError(f"target '{name}' is of the repository '{target.repo}', which is not among `repos`")
        return self
