"""What happened, in order, and whether somebody changed it since."""

import json
import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from runner.api.binding import unbound
from runner.api.dashboard.pages import Page, page
from runner.api.dashboard.served import Served
from runner.api.dashboard.visit import Looking
from runner.store.audit import AuditLog

router = APIRouter(route_class=Page, include_in_schema=False)
_MOST: Final = 100
_DIGEST: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
"""What is told by its beginning."""
_Text = Annotated[str, Query(max_length=200)]


@router.get("/audit")
def audit(
    request: Request,
    service: Served,
    visitor: Looking,
    kind: _Text = "",
    subject: _Text = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    verify: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query's name says it
) -> Response:
    """The newest entries; with `verify` every one is looked at, and compared with the checkpoints kept beside the database."""
    if verify:
        unbound(visitor.token)
    log = AuditLog(service.where.state)
    try:
        entries = log.newest(_MOST + 1, kind=kind or None, subject=subject or None, before=before, reach=visitor.reach(service))
        verified = log.verify() if verify else None
    finally:
        log.close()
    rows = [(entry, _DIGEST.sub(r"\1…", json.dumps(entry.body, sort_keys=True)) if entry.body else "") for entry in entries[:_MOST]]
    more = entries[_MOST - 1].seq if len(entries) > _MOST else None
    return page(request, visitor, "audit.html", rows=rows, kind=kind, subject=subject, more=more, verified=verified)
