"""Whether the server lives, whether it can work, and what it counts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from runner.api.access import service_of
from runner.api.metrics import MEDIA_TYPE, Metrics
from runner.wiring.serving import Service

router = APIRouter(tags=["service"])
Served = Annotated[Service, Depends(service_of)]


@router.get("/livez", response_class=PlainTextResponse)
async def livez() -> str:
    """The process answers, also while all its threads wait for something."""
    return "ok\n"


@router.get("/readyz", response_class=PlainTextResponse, responses={503: {"description": "The record cannot be used."}})
def readyz(service: Served) -> str:
    """The record can be read."""
    service.events.bounds()
    return "ok\n"


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """What there is to count, in the format of Prometheus."""
    counted: Metrics = request.app.state.metrics
    return Response(counted.exposition(), media_type=MEDIA_TYPE)
