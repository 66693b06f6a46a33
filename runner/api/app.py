"""The application: every route, every error, every bound in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.routing import APIRoute

from runner import __version__
from runner.api import problems
from runner.api.bounds import Bounds
from runner.api.dashboard import site
from runner.api.description import RESPONSES, describe
from runner.api.door import Door
from runner.api.identities import Identities
from runner.api.logs import AccessLog
from runner.api.metrics import Metrics
from runner.api.pace import Pace
from runner.api.routes import (
    audit,
    backups,
    breakers,
    decisions,
    events,
    health,
    legacy,
    legacy_code,
    limits,
    policies,
    runs,
    service,
    webhooks,
)
from runner.policy.load import MOST_BYTES
from runner.wiring.generating import Generating
from runner.wiring.serving import Service

_ABOUT = """Takes code changes, judges them in a disposable sandbox, and carries accepted ones to their target.

Every request needs a bearer token. What changes something needs an `Idempotency-Key`. Errors are `application/problem+json`."""

THREADS: Final = 25
"""Requests that are worked on at once; the others wait. Each may need a connection to the database, and runs and their keeper need some, too."""
_ESCAPED: Final = 6
"""Bytes that JSON may need for one."""


def made(served: Service) -> FastAPI:
    """The application that asks this service."""
    app = FastAPI(
        title="Seatrial",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_name_of,
        lifespan=_life,
    )
    app.state.service = served
    app.state.pace = Pace()
    app.state.metrics = Metrics(served)
    app.state.identities = Identities(served.configuration)
    generator = served.configuration.generator
    app.state.generating = Generating(generator, served.configuration.most_change) if generator else None
    problems.install(app)
    for part in (runs, decisions, events, webhooks, breakers, health, limits, backups, policies, audit, legacy, legacy_code, service):
        app.include_router(part.router, responses=RESPONSES)
    describe(app)
    site.install(app, served)
    app.add_middleware(Bounds, brought=_brought(served.configuration.most_change))
    app.add_middleware(Door)
    app.add_middleware(AccessLog)
    return app


@asynccontextmanager
async def _life(_app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield


def _brought(most_change: int) -> dict[str, int]:
    """To which paths more is brought than names and reasons, and how many bytes."""
    policy = min(most_change, _ESCAPED * MOST_BYTES)
    return {
        runs.router.prefix: most_change,
        f"{legacy_code.router.prefix}/generate": most_change,
        f"{policies.router.prefix}/validate": policy,
    }


def _name_of(route: APIRoute) -> str:
    """What a generated client calls it."""
    return f"{route.tags[0] if route.tags else 'page'}_{route.name.strip('_')}"
