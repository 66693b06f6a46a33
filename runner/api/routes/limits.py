"""`/api/v1/limits`: how full the windows of the rate limits are, and when there is room again."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from runner.api.access import Reader, service_of
from runner.api.judging import policy_for
from runner.api.seeing import windows_seen
from runner.wiring.limits import as_json, places_of, windows
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/limits", tags=["limits"])


class Limits(BaseModel):
    """The windows that are not empty, the fullest first, each as `seatrial limits --format json` tells it; `more` were left out."""

    policy: dict[str, str]
    limits: list[dict[str, Any]]
    more: int


@router.get("")
def limits(
    token: Reader,
    service: Annotated[Service, Depends(service_of)],
    repo: Annotated[str, Query(max_length=64, description="The limits of this repository's policy.")] = "",
    target: Annotated[str, Query(max_length=64, description="The limits of this target's policy.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Limits:
    """How many runs each limit has counted, and in how many seconds there is room again; by the built-in policy unless one is named."""
    policy = policy_for(token, repo, target, service)
    found, where = windows_seen(token, windows(service.where.state, policy), service), places_of(policy)
    told = [as_json(one, where[one.number]) for one in found[:limit]]
    return Limits(policy={"source": policy.source, "digest": policy.digest}, limits=told, more=max(0, len(found) - limit))
