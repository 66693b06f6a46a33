"""Errors as RFC 9457 problems: what happened, what to do, and a code that a program can go by."""

import logging
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from runner.errors import InfrastructureError, PolicyInvalid, SeatrialError, StoreUnavailable, UsageError
from runner.model.text import printable

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_BUSY: Final = 5
"""Seconds after which a client may try again when the machine is at fault."""
_MOST_FAULTS: Final = 50


class Problem(Exception):
    """An answer that is none: `status` is the HTTP status, `code` what a program goes by, `more` further members."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


def answered(problem: Problem) -> JSONResponse:
    """A problem as a response."""
    title = HTTPStatus(problem.status).phrase
    body = {"type": f"urn:seatrial:problem:{problem.code}", "title": title, "status": problem.status, "detail": problem.detail}
    headers: dict[str, str] = {}
    if (after := problem.more.get("retry_after")) is not None:
        headers["Retry-After"] = str(max(1, round(after)))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'Bearer realm="seatrial", error="{problem.more.pop("error", "invalid_token")}"'
    return JSONResponse({**body, "code": problem.code, **problem.more}, problem.status, headers, MEDIA_TYPE)


def of_error(error: SeatrialError) -> Problem:
    """An expected error as a problem: what was asked means nothing now, cannot be read, or the machine is at fault."""
    if isinstance(error, StoreUnavailable):  # it says where the database is, which is for the log alone
        log.warning("the record cannot be used: %s", printable(str(error)))
        return Problem(503, error.code, "the record cannot be used at this moment; the log of the server says why", retry_after=_BUSY)
    more = {"hint": error.hint} if error.hint else {}
    if isinstance(error, PolicyInvalid):
        return Problem(422, error.code, "the policy cannot be used", problems=list(error.problems), **more)
    if isinstance(error, InfrastructureError):
        return Problem(503, error.code, printable(str(error)), retry_after=_BUSY, **more)
    if isinstance(error, UsageError):
        return Problem(409, error.code, printable(str(error)), **more)
    return Problem(409, error.code, printable(str(error)), **more)


def of_framework(error: HTTPException) -> JSONResponse:
    """What the framework says of a request, as a problem: there is nothing at that address, say."""
    code = HTTPStatus(error.status_code).name.lower().replace("_", "-")
    response = answered(Problem(error.status_code, code, printable(str(error.detail))))
    response.headers.update(error.headers or {})
    return response


def install(app: FastAPI) -> None:
    """Let every error of an application end as a problem."""

    @app.exception_handler(Problem)
    def of_problem(_request: Request, problem: Problem) -> JSONResponse:
        return answered(problem)

    @app.exception_handler(SeatrialError)
    def of_ours(_request: Request, error: SeatrialError) -> JSONResponse:
        return answered(of_error(error))

    @app.exception_handler(RequestValidationError)
    def of_input(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [{"where": ".".join(map(str, each["loc"])), "what": printable(each["msg"])} for each in error.errors()[:_MOST_FAULTS]]
        return answered(Problem(422, "invalid-request", "the request is not as it must be", faults=faults))

    @app.exception_handler(HTTPException)
    def of_http(_request: Request, error: HTTPException) -> JSONResponse:
        return of_framework(error)

    @app.exception_handler(Exception)
    def of_bug(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s broke", request.method, request.url.path, exc_info=error)
        return answered(Problem(500, "bug", "this is a bug in Seatrial; its log says more"))
