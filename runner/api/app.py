"""The application: every route, every error, every bound in one place."""

from fastapi import FastAPI
from fastapi.routing import APIRoute

from runner import __version__
from runner.api import problems
from runner.api.bounds import Bounds
from runner.api.pace import Pace
from runner.api.routes import decisions, events, runs, service
from runner.wiring.serving import Service

_ABOUT = """Takes code changes, judges them in a disposable sandbox, and carries accepted ones to their target.

Every request needs a bearer token. What changes something needs an `Idempotency-Key`. Errors are `application/problem+json`."""


def made(served: Service) -> FastAPI:
    """The application that asks this service."""
    app = FastAPI(
        title="Seatrial",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_name_of,
    )
    app.state.service = served
    app.state.pace = Pace()
    problems.install(app)
    for part in (runs, decisions, events, service):
        app.include_router(part.router)
    app.add_middleware(Bounds, most=served.configuration.most_change)
    return app


def _name_of(route: APIRoute) -> str:
    """What a generated client calls it."""
    return f"{route.tags[0] if route.tags else 'page'}_{route.name.strip('_')}"
