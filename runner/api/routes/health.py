"""`/api/v1/health`: this server's machine, as the gate judges it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from runner.api.access import Reader, service_of
from runner.api.judging import policy_for
from runner.wiring.health import checkup_by
from runner.wiring.health_told import as_json
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/health", tags=["health"])


@router.get("")
def health(
    token: Reader,
    service: Annotated[Service, Depends(service_of)],
    repo: Annotated[str, Query(max_length=64, description="Judge by the policy of this repository.")] = "",
    target: Annotated[str, Query(max_length=64, description="Judge by the policy of this target.")] = "",
) -> dict[str, Any]:
    """A fresh sample, judged as before a change, with its limits and its last 24 hours: `seatrial health --format json`.

    By the built-in policy where neither repository nor target is named.
    """
    return as_json(checkup_by(policy_for(token, repo, target, service)))
