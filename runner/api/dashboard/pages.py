"""Makes pages: templates that escape everything, headers that let a browser run nothing but our own scripts, errors as pages."""

from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from runner import __version__
from runner.api.dashboard.visit import Away, Visitor, login_of, session_of
from runner.api.dashboard.words import FILTERS, finalized
from runner.api.problems import Problem, of_error, of_framework
from runner.errors import SeatrialError
from runner.model.text import printable

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every page."""
_FOLDER: Final = Path(__file__).parent
STATIC: Final = _FOLDER / "static"
_PAGES: Final = (
    ("/", "Runs"),
    ("/trends", "Trends"),
    ("/breakers", "Breakers"),
    ("/health", "Health"),
    ("/backups", "Backups"),
    ("/policy", "Policy"),
    ("/audit", "Audit"),
)
_NOTHING: Final = {404: "there is no such page", 405: "nothing can be sent here, or nothing be had"}
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def page(request: Request, visitor: Visitor | None, template: str, *, status: int = 200, **given: Any) -> HTMLResponse:
    """A page of that template; `given` is what it shows."""
    said = visitor.session.said() if visitor and "hx-request" not in request.headers else None
    shown = {"visitor": visitor, "here": request.url.path, "pages": _PAGES, "said": said, "version": __version__, **given}
    return HTMLResponse(_templates().get_template(template).render(shown), status, {"Cache-Control": "no-store"})


def back(address: str) -> RedirectResponse:
    """To another page, after a form was sent."""
    return RedirectResponse(address, 303)


class Page(APIRoute):
    """A route whose errors are pages, too, and whose answers all have the headers of a page."""

    def get_route_handler(self) -> _Handler:
        """What answers."""
        usual = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await usual(request)
            except Away:
                response = login_of(request)
            except Problem as problem:
                response = _told(request, problem)
            except SeatrialError as error:
                response = _told(request, of_error(error))
            except RequestValidationError as error:
                response = _told(request, _invalid(error))
            return _guarded(response)

        return answer


def install(app: FastAPI) -> None:
    """Let a browser that asks for a page that there is none of have a page that says so; programs have the problem as before."""

    @app.exception_handler(HTTPException)
    def of_http(request: Request, error: HTTPException) -> Response:
        if not _is_for_people(request):
            return of_framework(error)
        problem = Problem(error.status_code, "not-found", _NOTHING.get(error.status_code, printable(str(error.detail))))
        response = _told(request, problem)
        response.headers.update({**(error.headers or {}), "Vary": "Accept"})
        return _guarded(response)


def _is_for_people(request: Request) -> bool:
    path = request.url.path
    return path != "/api" and not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _guarded(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _invalid(error: RequestValidationError) -> Problem:
    fields = sorted({str(each["loc"][-1]) for each in error.errors()[:20]})
    return Problem(422, "invalid-request", f"this cannot be understood: {', '.join(fields)}")


def _told(request: Request, problem: Problem) -> Response:
    response = page(request, None, "error.html", status=problem.status, problem=problem, known=session_of(request) is not None)
    if (after := problem.more.get("retry_after")) is not None:
        response.headers["Retry-After"] = str(max(1, round(after)))
    return response


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    return made
