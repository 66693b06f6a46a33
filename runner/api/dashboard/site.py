"""All pages, put into the application."""

from typing import Any

from fastapi import FastAPI, Response
from starlette.staticfiles import StaticFiles

from runner.api.dashboard import pages
from runner.api.dashboard.pages import HEADERS, STATIC
from runner.api.dashboard.routes import audit, backups, breakers, decisions, health, home, live, login, policy, run, trends
from runner.api.dashboard.served import lookout
from runner.api.dashboard.sessions import Sessions
from runner.wiring.serving import Service


class _Files(StaticFiles):
    """Our own scripts and styles; browsers ask each time whether they are still the same."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        response = super().file_response(*given, **named)
        response.headers.update({**HEADERS, "Cache-Control": "no-cache"})
        return response


def install(app: FastAPI, served: Service) -> None:
    """Add the pages to the application of a service."""
    app.state.sessions = Sessions()
    app.state.lookout = lookout(served)
    for part in (login, live, home, run, decisions, trends, breakers, health, backups, policy, audit):
        app.include_router(part.router)
    pages.install(app)
    app.mount("/static", _Files(directory=STATIC), name="static")
