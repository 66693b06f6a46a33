"""`/api/v1/events`: what happens, as it happens, and from any number on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from runner.api.access import Reader, may_go_on, service_of
from runner.api.answers import time_of
from runner.api.binding import reach_of
from runner.api.problems import Problem
from runner.store.events import Event
from runner.store.reach import Reach
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/events", tags=["events"])
_LOOK: Final = 0.25
_BEAT: Final = 15.0
"""Seconds between two looks for events, and between two signs that the connection lives; then the token is looked at, too."""
_PAGE: Final = 200
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}, 410: {"description": "Too old."}})
async def events(
    request: Request,
    service: Annotated[Service, Depends(service_of)],
    token: Reader,
    run: Annotated[str, Query(max_length=64, description="Only those about one run.")] = "",
    after: Annotated[int | None, Query(ge=0, le=2**62, description="Those after this number; default: from now on.")] = None,
    last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)] = None,
) -> StreamingResponse:
    """Server-sent events; `id` is the number to go on from, by `Last-Event-ID`. 410 where that is older than what is kept.

    A token that is bound to targets hears of their runs alone.
    """
    begin = int(last) if last and last.isascii() and last.isdecimal() else after
    first, newest = await run_in_threadpool(service.events.bounds)
    if begin is not None and begin < first - 1:
        raise Problem(410, "events-gone", "what happened after that number is not kept any more", oldest=first)
    stream = _stream(request, service, newest if begin is None else begin, run, reach_of(token, service))
    return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)


async def _stream(request: Request, service: Service, seq: int, run: str, reach: Reach | None) -> AsyncIterator[str]:
    yield ": seatrial\n\n"
    beat = time.monotonic() + _BEAT
    while not await request.is_disconnected():
        found: tuple[Event, ...] = ()
        if await run_in_threadpool(service.pulse.newest) > seq:
            found, seq = await run_in_threadpool(service.events.heard, seq, _PAGE, run=run, reach=reach)
        for event in found:
            yield _written(event)
        if time.monotonic() > beat:
            beat = time.monotonic() + _BEAT
            if not await run_in_threadpool(may_go_on, request, service):
                break
            yield ": alive\n\n"
        if not found:
            await asyncio.sleep(_LOOK)


def _written(event: Event) -> str:
    """JSON has no line breaks of its own, so that nothing in a body ends the event."""
    data = json.dumps({"seq": event.seq, "at": time_of(event.at), "kind": event.kind, "run": event.run, "body": event.body})
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n"
