"""What came of the runs of the last weeks."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from runner.api.dashboard.pages import Page, page
from runner.api.dashboard.served import Looked
from runner.api.dashboard.visit import Looking

router = APIRouter(route_class=Page, include_in_schema=False)
SPANS: Final = (7, 30, 90)


@router.get("/trends")
def trends(request: Request, looked: Looked, visitor: Looking, days: Annotated[int, Query(ge=1, le=365)] = 30) -> Response:
    """The page."""
    return page(request, visitor, "trends.html", days=days, spans=SPANS, found=looked.trends.of(days), names=looked.names)
