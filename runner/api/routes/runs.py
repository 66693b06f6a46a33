"""`/api/v1/runs`: what was asked for, and what became of it."""

import json
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from runner.api import cursor
from runner.api.access import allowed, needs, service_of
from runner.api.answers import Accepted, RunPage, Shown, summary_of
from runner.api.keys import Answer, IdempotencyKey, once
from runner.api.named import Run
from runner.api.problems import Problem
from runner.model.request import Asked
from runner.model.run import Command
from runner.reports.formats import written
from runner.store.tokens import Token
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/runs", tags=["runs"])
Served = Annotated[Service, Depends(service_of)]
Reader = Annotated[Token, Depends(needs("read"))]
Submitter = Annotated[Token, Depends(needs("submit"))]
_ID_DIGITS = 12
_NAME = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")


class NewRun(BaseModel):
    """A change, and where it is to go: exactly one of `patch`, `edits` and `revision`."""

    model_config = ConfigDict(extra="forbid")

    command: Literal["submit", "check"] = "submit"
    target: str = Field(default="", max_length=64, description="The name of a target; for `submit`.")
    repo: str = Field(default="", max_length=64, description="The name of a repository; for `check`.")
    patch: str | None = Field(default=None, description="A unified diff, as git makes it.")
    edits: list[dict[str, Any]] | None = Field(default=None, description='JSON edits: `[{"path": "a.py", "content": "..."}]`.')
    revision: str | None = Field(default=None, min_length=1, max_length=500, pattern=r"^[^-\x00-\x20\x7f][^\x00-\x20\x7f]*$")
    base: str = Field(
        default="",
        max_length=300,
        pattern=r"^([^-\x00-\x20\x7f][^\x00-\x20\x7f]*)?$",
        description="A revision; default: see `seatrial check --help`.",
    )
    agent: str = _NAME
    ticket: str = _NAME
    gates: Literal["inform", "enforce"] = Field(default="inform", description="For `check`: what the gates may do.")

    @model_validator(mode="after")
    def _one_of_each(self) -> "NewRun":
        if sum(given is not None for given in (self.patch, self.edits, self.revision)) != 1:
            raise ValueError("give exactly one of patch, edits and revision")
        if bool(self.target) == bool(self.repo) or bool(self.target) != (self.command == "submit"):
            raise ValueError("a submit names its target, a check its repo")
        return self


@router.post("", status_code=202, response_model=Accepted)
def submit(asked: NewRun, service: Served, token: Submitter, key: IdempotencyKey = None) -> Response:
    """Ask for a change to be checked, or to be carried to a target. The run goes on by itself; look at it, or listen to the events."""
    if asked.target:
        allowed(token, asked.target)
    elif token.targets and asked.repo not in {
        service.configuration.targets[name].repo for name in token.targets if name in service.configuration.targets
    }:
        raise Problem(403, "repo-not-allowed", "this token is bound to targets of other repositories")
    _known(asked, service)

    def do() -> Answer:
        run = sha256(f"{token.id}\0{key}".encode()).hexdigest()[:_ID_DIGITS]
        service.accept(_asked(asked, run, token), by=token.id)
        where = f"{router.prefix}/{run}"
        return Answer(202, {"run": run, "state": "queued", "location": where}, {"Location": where})

    return once(service, token, key, ("submit", asked.model_dump_json()), do)


def _known(asked: NewRun, service: Service) -> None:
    known = service.configuration
    if asked.target and asked.target not in known.targets:
        raise Problem(422, "target-unknown", "this server knows no target of that name")
    if asked.repo and asked.repo not in known.repos:
        raise Problem(422, "repo-unknown", "this server knows no repository of that name")


def _asked(asked: NewRun, run: str, token: Token) -> Asked:
    change = asked.patch.encode("utf-8", "surrogatepass") if asked.patch is not None else b""
    kind = "diff" if asked.patch is not None else ""
    if asked.edits is not None:
        change, kind = json.dumps(asked.edits).encode(), "edits"
    return Asked(
        run=run,
        command=Command(asked.command),
        repo=asked.repo,
        target=asked.target,
        change=change,
        kind=kind,
        revision=asked.revision or "",
        base=asked.base,
        author=token.name,
        agent=asked.agent,
        ticket=asked.ticket,
        enforce=asked.gates == "enforce",
    )


@router.get("")
def list_(
    request: Request,
    service: Served,
    _token: Reader,
    state: Annotated[Literal["queued", "running", "held", "ended"] | None, Query()] = None,
    target: Annotated[str, Query(max_length=500)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=100)] = "",
) -> RunPage:
    """Runs, newest first."""
    before = cursor.read(after) if after else None
    records = service.kept.runs.page(limit + 1, before=before, state=state or "", target=target)
    more = str(request.url.include_query_params(after=cursor.write(records[limit - 1][0]))) if len(records) > limit else None
    return RunPage(runs=[summary_of(record) for _, record in records[:limit]], next=more)


@router.get("/{run}")
def show(run: Run, service: Served, _token: Reader) -> Shown:
    """One run, with its report once there is one."""
    record = service.kept.runs.show(run)
    request = service.kept.requests.load(run)
    report = json.loads(record.report) if record.report else None
    return Shown(summary=summary_of(record, request.joined if request else ""), report=report)


@router.get("/{run}/results")
def results(run: Run, service: Served, _token: Reader) -> dict[str, Any]:
    """The answers of all checks, with what they found."""
    return {"run": run, "results": _report(run, service)["results"]}


@router.get("/{run}/findings")
def findings(
    run: Run, service: Served, _token: Reader, form: Annotated[Literal["json", "sarif"], Query(alias="format")] = "json"
) -> Response:
    """All findings, as JSON or as SARIF 2.1.0."""
    report = _report(run, service)
    if form == "json":
        found = [{"check": result["check"], **finding} for result in report["results"] for finding in result["findings"]]
        return Response(json.dumps({"run": run, "findings": found}), media_type="application/json")
    from runner.reports.report import Report

    return Response(written(Report.model_validate(report), "sarif"), media_type="application/sarif+json")


@router.get("/{run}/logs", response_class=PlainTextResponse)
def logs(run: Run, request: Request, service: Served, _token: Reader, suite: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The end of a suite's log, as text; `Range` gives a part of it. Hostile text: it is never to be interpreted."""
    found = service.kept.runs.logs(run)
    if suite and suite not in found:
        raise Problem(404, "log-unknown", "this run has no log of that suite", suites=sorted(found))
    text = found[suite] if suite else "".join(f"── {name} ──\n{log}\n" for name, log in found.items())
    return _ranged(text.encode("utf-8", "backslashreplace"), request.headers.get("range", ""))


def _ranged(content: bytes, wanted: str) -> Response:
    headers = {"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
    media = "text/plain; charset=utf-8"
    unit, _, span = wanted.partition("=")
    first, dash, last = span.partition("-")
    if unit != "bytes" or not dash or not (first.isdigit() or (not first and last.isdigit())) or (last and not last.isdigit()):
        return Response(content, media_type=media, headers=headers)
    begin, end = (
        (int(first[:18]), int(last[:18]) if last else len(content) - 1)
        if first
        else (max(0, len(content) - int(last[:18])), len(content) - 1)
    )
    end = min(end, len(content) - 1)
    if begin > end:
        raise Problem(416, "range-empty", "there is nothing in that range")
    return Response(content[begin : end + 1], 206, {**headers, "Content-Range": f"bytes {begin}-{end}/{len(content)}"}, media)


def _report(run: str, service: Service) -> dict[str, Any]:
    record = service.kept.runs.show(run)
    if record.report is None:
        raise Problem(409, "no-report", f"run {run} has no report yet: it is {record.state}", retry_after=1)
    found: dict[str, Any] = json.loads(record.report)
    return found


def fresh_key() -> str:
    """A key for what nobody asks twice."""
    return uuid4().hex
