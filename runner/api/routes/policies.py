"""`/api/v1/policies`: by which policies this server judges, and whether a text is one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from runner.api.access import Reader, service_of
from runner.api.binding import repos_of, targets_of
from runner.api.problems import Problem
from runner.policy.load import MOST_BYTES
from runner.policy.placed import placed
from runner.wiring.served_policies import Served as Found
from runner.wiring.served_policies import linted, served_policies, served_policy, shown_policy
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/policies", tags=["policies"])
Served = Annotated[Service, Depends(service_of)]
_NAMED = "policy.yaml"
"""What a text is called in its problems."""


class OnePolicy(BaseModel):
    """Which policy a repository's checks or a target's submits are judged by; with problems, none can be."""

    kind: Literal["repo", "target"]
    name: str
    source: str | None
    digest: str | None
    problems: list[str]


class Policies(BaseModel):
    """Of every repository and every target of the configuration."""

    policies: list[OnePolicy]


class Resolved(BaseModel):
    """A policy with all its keys, and where each comes from, as `file:line`."""

    source: str
    digest: str
    policy: dict[str, Any]
    where: dict[str, str]
    warnings: list[str]


class Candidate(BaseModel):
    """A text that may be a policy."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=MOST_BYTES)


class Fault(BaseModel):
    """What is wrong or doubtful, and where; line and column count from 1."""

    line: int | None
    column: int | None
    message: str


class Linted(BaseModel):
    """Whether a text is a policy; `digest` is that of its resolved form."""

    valid: bool
    digest: str | None
    errors: list[Fault]
    warnings: list[Fault]


@router.get("")
def list_(token: Reader, service: Served) -> Policies:
    """The policies of the configuration's repositories and targets, as they are at this moment."""
    found = served_policies(service.configuration, repos_of(token, service), targets_of(token, service))
    return Policies(policies=[_one(one) for one in found])


@router.post("/validate")
def validate(_token: Reader, candidate: Candidate) -> Linted:
    """Everything that is wrong in a policy, all at once. Nothing is kept."""
    loaded, problems = linted(candidate.text.encode("utf-8", "surrogatepass"), _NAMED)
    errors = [Fault(**placed(_NAMED, line)) for line in problems]
    warnings = [Fault(**placed(_NAMED, line)) for line in (loaded.warnings if loaded else ())]
    return Linted(valid=loaded is not None, digest=loaded.digest if loaded else None, errors=errors, warnings=warnings)


@router.get("/{kind}/{name}")
def show(
    token: Reader,
    kind: Annotated[Literal["repo", "target"], Path(description="Whose: a repository's for checks, or a target's for submits.")],
    name: Annotated[str, Path(max_length=64)],
    service: Served,
) -> Resolved:
    """One of them, resolved. 404 for a name that the configuration does not have, or not for this token."""
    known = repos_of(token, service) if kind == "repo" else targets_of(token, service)
    if name not in known:
        raise Problem(404, f"{kind}-unknown", f"this server knows no {kind} of that name")
    return Resolved(**shown_policy(served_policy(kind, name, service.configuration)))


def _one(found: Found) -> OnePolicy:
    loaded = found.loaded
    return OnePolicy(
        kind="repo" if found.kind == "repo" else "target",
        name=found.name,
        source=loaded.source if loaded else None,
        digest=loaded.digest if loaded else None,
        problems=list(found.problems),
    )
