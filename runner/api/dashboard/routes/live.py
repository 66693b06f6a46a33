"""Tells open pages that something has happened; what, they ask for then."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from runner.api.dashboard.pages import Page
from runner.api.dashboard.served import Served
from runner.api.dashboard.visit import Looking, Visitor, session_of, token_of
from runner.wiring.serving import Service

router = APIRouter(route_class=Page, include_in_schema=False)
_LOOK: Final = 0.5
"""Seconds between two looks: many events are one word."""
_BEAT: Final = 15.0
_PAGE: Final = 500
"""Events that are read at once, and the most that a page has missed: it asks for what it shows now and then in any case."""
_LAST: Final = 2**63 - 1
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/live", response_class=StreamingResponse)
async def live(
    request: Request,
    service: Served,
    visitor: Looking,
    since: Annotated[int, Query(ge=0, le=_LAST)],
    run: Annotated[str, Query(max_length=64, pattern="^[0-9a-f]*$")] = "",
) -> StreamingResponse:
    """A word for all that has happened since the last one, of one run or of all; `bye` where the page is to listen no more.

    `since`: the number of the newest event when the page was made, or one before: what came while it was loaded counts.
    """
    return StreamingResponse(_words(request, service, visitor, since, run), media_type="text/event-stream", headers=_HEADERS)


async def _words(request: Request, service: Service, visitor: Visitor, since: int, run: str) -> AsyncIterator[str]:
    stream, reach = visitor.session.open_stream(), visitor.reach(service)
    quiet = 0.0
    try:
        seq = max(since, await run_in_threadpool(service.pulse.newest) - _PAGE)
        yield "retry: 2000\n\n"
        while visitor.session.listens(stream) and not await request.is_disconnected():
            if await run_in_threadpool(service.pulse.newest) > seq:
                found, seq = await run_in_threadpool(service.events.heard, seq, _PAGE, run=run, reach=reach)
            else:
                found = ()
            if found:
                yield f"event: change\ndata: {found[-1].seq}\n\n"
            await asyncio.sleep(_LOOK)
            quiet += _LOOK
            if quiet >= _BEAT:
                quiet = 0.0
                if session_of(request) is None or await run_in_threadpool(token_of, visitor.session, service) is None:
                    break
                yield ": alive\n\n"
        yield "event: bye\ndata: bye\n\n"
    finally:
        visitor.session.close_stream(stream)
