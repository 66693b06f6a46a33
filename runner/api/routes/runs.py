"""`/api/v1/runs`: what was asked for, and what became of it."""

import json
import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse

from runner.api import cursor
from runner.api.access import Reader, allowed, needs, service_of
from runner.api.answers import Accepted, RunPage, Shown, decisions_of, summary_of
from runner.api.binding import bound_in, reach_of
from runner.api.keys import IdempotencyKey, required
from runner.api.named import SeenRun, called
from runner.api.newrun import Sent, described
from runner.api.problems import Problem
from runner.api.queued import known_here, put, run_of
from runner.api.texts import Line
from runner.reports.formats import written
from runner.store.tokens import Token
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/runs", tags=["runs"])
Served = Annotated[Service, Depends(service_of)]
Submitter = Annotated[Token, Depends(needs("submit"))]
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@router.post("", status_code=202, response_model=Accepted, openapi_extra={"requestBody": described()})
def submit(token: Submitter, wanted: Sent, service: Served, key: IdempotencyKey = None) -> Response:
    """Ask for a change to be checked, or to be carried to a target. The run goes on by itself; look at it, or listen to the events.

    The body is JSON, or a form whose file `change` is a diff, with the other fields beside it.
    """
    if wanted.run.target:
        allowed(token, wanted.run.target)
    else:
        bound_in(token, wanted.run.repo, service)
    known_here(wanted.run.target, wanted.run.repo, token, service)
    return put(wanted.asked(run_of(token, required(key)), token), token, service).response()


@router.get("")
def list_(
    token: Reader,
    request: Request,
    service: Served,
    state: Annotated[Literal["queued", "running", "held", "ended"] | None, Query()] = None,
    target: Annotated[Line, Query(max_length=500, description="A target, by its name or as a run shows it.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=100)] = "",
) -> RunPage:
    """Runs, newest first; of a token that is bound to targets, those that are of them."""
    before = cursor.read(after) if after else None
    targets, reach = called(target, service.configuration), reach_of(token, service)
    records = service.kept.runs.page(limit + 1, before=before, state=state or "", targets=targets, reach=reach)
    more = str(request.url.include_query_params(after=cursor.write(records[limit - 1][0]))) if len(records) > limit else None
    return RunPage(runs=[summary_of(record) for _, record in records[:limit]], next=more)


@router.get("/{run}")
def show(run: SeenRun, service: Served) -> Shown:
    """One run, with its report once there is one."""
    record = service.kept.runs.show(run)
    request = service.kept.requests.load(run)
    report, decisions = json.loads(record.report) if record.report else None, decisions_of(record)
    if report is not None:
        report["decisions"] = [said.model_dump() for said in decisions]
    return Shown(summary=summary_of(record, request.joined if request else ""), report=report, decisions=decisions)


@router.get("/{run}/results")
def results(run: SeenRun, service: Served) -> dict[str, Any]:
    """The answers of all checks, with what they found."""
    return {"run": run, "results": _report(run, service)["results"]}


@router.get("/{run}/findings", responses={200: {"content": {"application/json": {}, "application/sarif+json": {}}}})
def findings(run: SeenRun, service: Served, form: Annotated[Literal["json", "sarif"], Query(alias="format")] = "json") -> Response:
    """All findings, as JSON or as SARIF 2.1.0."""
    report = _report(run, service)
    if form == "json":
        found = [{"check": result["check"], **finding} for result in report["results"] for finding in result["findings"]]
        return Response(json.dumps({"run": run, "findings": found}), media_type="application/json")
    from runner.reports.report import Report

    return Response(written(Report.model_validate(report), "sarif"), media_type="application/sarif+json")


@router.get("/{run}/logs", response_class=PlainTextResponse, responses={206: {"description": "A part.", "content": {"text/plain": {}}}})
def logs(run: SeenRun, request: Request, service: Served, suite: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The end of a suite's log, as text; `Range` gives a part of it. Hostile text: it is never to be interpreted."""
    found = service.kept.runs.logs(run)
    if suite and suite not in found:
        raise Problem(404, "log-unknown", "this run has no log of that suite", suites=sorted(found))
    text = found[suite] if suite else "".join(f"── {name} ──\n{log}\n" for name, log in found.items())
    return _ranged(text.encode("utf-8", "backslashreplace"), request.headers.get("range", ""))


def _ranged(content: bytes, wanted: str) -> Response:
    headers = {"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
    media = "text/plain; charset=utf-8"
    found = _RANGE.fullmatch(wanted)
    if found is None or not (found[1] or found[2]):
        return Response(content, media_type=media, headers=headers)
    last = len(content) - 1
    begin, end = (int(found[1]), int(found[2] or last)) if found[1] else (max(0, len(content) - int(found[2])), last)
    end = min(end, last)
    if begin > end:
        raise Problem(416, "range-empty", "there is nothing in that range")
    return Response(content[begin : end + 1], 206, {**headers, "Content-Range": f"bytes {begin}-{end}/{len(content)}"}, media)


def _report(run: str, service: Service) -> dict[str, Any]:
    record = service.kept.runs.show(run)
    if record.report is None:
        raise Problem(409, "no-report", f"run {run} has no report yet: it is {record.state}", retry_after=1)
    found: dict[str, Any] = json.loads(record.report)
    return found
