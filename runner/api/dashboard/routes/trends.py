"""What came of the runs of the last weeks."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from runner.api.dashboard.pages import Page, page
from runner.api.dashboard.served import Looked, Served
from runner.api.dashboard.visit import Looking

router = APIRouter(route_class=Page, include_in_schema=False)
SPANS: Final = (7, 30, 90)


@router.get("/trends")
def trends(request: Request, service: Served, looked: Looked, visitor: Looking, days: Annotated[int, Query(ge=1, le=365)] = 30) -> Response:
    """The page."""
    found = looked.trends.of(days, reach=visitor.reach(service))
    return page(request, visitor, "trends.html", days=days, spans=SPANS, found=found, names=looked.names)
