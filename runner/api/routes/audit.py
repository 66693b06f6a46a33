"""`/api/v1/audit`: what happened, in order, sealed entry by entry."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from runner.api import cursor
from runner.api.access import Reader, service_of
from runner.api.answers import time_of
from runner.api.binding import reach_of, unbound
from runner.store.audit import AuditEntry, AuditLog
from runner.store.checkpoints import Checkpoint
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])
Served = Annotated[Service, Depends(service_of)]


class Entry(BaseModel):
    """One entry; its hash is over all of it and over the hash of the one before."""

    seq: int
    at: str
    host: str
    kind: str
    subject: str
    body: dict[str, Any]
    previous: str
    hash: str


class Entries(BaseModel):
    """Entries, newest first; `next` is where to go on."""

    entries: list[Entry]
    next: str | None = Field(description="The address of the next page.")


class Newest(BaseModel):
    """The newest entry, to be kept where nobody who can write the database can: `line` is what `seatrial audit verify --against` reads."""

    seq: int
    at: str
    hash: str
    line: str


class Kept(BaseModel):
    """A checkpoint; nothing where nothing was recorded yet."""

    checkpoint: Newest | None


@router.get("")
def list_(
    token: Reader,
    request: Request,
    service: Served,
    kind: Annotated[str, Query(max_length=100, description="Only of this kind, such as `run.ended`.")] = "",
    subject: Annotated[str, Query(max_length=200, description="Only about this, such as a run.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=100)] = "",
) -> Entries:
    """Entries, newest first. They are not verified here: `seatrial audit verify` does that.

    A token that is bound to targets is told of their runs alone.
    """
    log = AuditLog(service.where.state)
    try:
        before, reach = cursor.read(after) if after else None, reach_of(token, service)
        found = log.newest(limit + 1, kind=kind or None, subject=subject or None, before=before, reach=reach)
    finally:
        log.close()
    more = str(request.url.include_query_params(after=cursor.write(found[limit - 1].seq))) if len(found) > limit else None
    return Entries(entries=[_entry(one) for one in found[:limit]], next=more)


@router.get("/checkpoint")
def checkpoint(token: Reader, service: Served) -> Kept:
    """The newest entry's number, time and hash. It is about all that happens, and so not for a token that is bound to targets."""
    unbound(token)
    log = AuditLog(service.where.state)
    try:
        return Kept(checkpoint=_newest(log.head()))
    finally:
        log.close()


def _newest(found: Checkpoint | None) -> Newest | None:
    return Newest(seq=found.seq, at=time_of(found.at), hash=found.hash, line=found.line) if found else None


def _entry(found: AuditEntry) -> Entry:
    try:
        at = time_of(found.at)
    except (OverflowError, ValueError, OSError):  # an edited entry may hold anything
        at = str(found.at)
    return Entry(**{**found._asdict(), "at": at})
