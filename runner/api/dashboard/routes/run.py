"""One run: where it is, what every check said, the change, the tests, the log."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response

from runner.api.dashboard.change import change_of
from runner.api.dashboard.fates import OUTCOMES
from runner.api.dashboard.pages import Page, page
from runner.api.dashboard.served import Looked, Lookout, Served
from runner.api.dashboard.showing import Shown, shown
from runner.api.dashboard.visit import Looking, SeenRun, Visitor
from runner.errors import SeatrialError
from runner.reports.remarks import remarks
from runner.reports.rules import about
from runner.store.audit import AuditEntry, AuditLog
from runner.wiring.serving import Service

router = APIRouter(route_class=Page, include_in_schema=False)
_MOST_LOG: Final = 64 * 1024
"""Characters of the end of a log; `/api/v1/runs/RUN/logs` has it whole."""
_HISTORY: Final = 50


@router.get("/runs/{run}")
def one(visitor: Looking, request: Request, run: SeenRun, service: Served, looked: Looked) -> Response:
    """The whole page."""
    since = service.pulse.newest()  # before anything is read
    found = _found(run, service, looked, visitor)
    given = change_of(found.filed, found.request, service.where.state)
    told = remarks(found.report) if found.report else ()
    logs, no_logs = _logs(run, service)
    return page(
        request,
        visitor,
        "run.html",
        **_head(found),
        since=since,
        patch=given.rows(told),
        note=given.note,
        name=given.name,
        logs=logs,
        no_logs=no_logs,
        history=_history(run, service),
    )


@router.get("/parts/runs/{run}")
def part_run(
    visitor: Looking,
    request: Request,
    run: SeenRun,
    service: Served,
    looked: Looked,
    was: Annotated[Literal["queued", "running", "held", "ended"], Query()],
) -> Response:
    """Its head, for a page that is open; where it is held or has ended since, the page is loaded anew, since all of it is new."""
    found = _found(run, service, looked, visitor)
    response = page(request, visitor, "part_run.html", **_head(found))
    if found.record.state != was:
        response.headers["HX-Refresh"] = "true"
    return response


def _found(run: str, service: Service, looked: Lookout, visitor: Visitor) -> Shown:
    return shown(run, service, looked.names, looked.browsing.who(run), visitor)


def _head(found: Shown) -> dict[str, Any]:
    return {"run": found, "tones": OUTCOMES, "about": about, "to": f"/runs/{found.record.id}"}


def _history(run: str, service: Service) -> tuple[AuditEntry, ...]:
    log = AuditLog(service.where.state)
    try:
        return log.newest(_HISTORY, subject=run)
    finally:
        log.close()


def _logs(run: str, service: Service) -> tuple[dict[str, tuple[str, bool]], str]:
    """The end of each suite's log, and whether something was cut off; or why there is none."""
    try:
        found = service.kept.runs.logs(run)
    except SeatrialError as problem:
        return {}, str(problem)
    return {name: (text[-_MOST_LOG:], len(text) > _MOST_LOG) for name, text in found.items()}, ""
