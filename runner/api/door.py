"""Who sends something shows a token first: before that nothing is read of what they send, however much it is."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from runner.api.access import let_in
from runner.api.problems import Problem, answered, of_error
from runner.errors import SeatrialError

_INTERFACE: Final = "/api/"
_EMPTY: Final = ("GET", "HEAD")
"""Methods of which no route reads a body."""


class Door:
    """Answers 401 to whoever has no good token, in place of an ASGI application around which it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] == "http" and scope["path"].startswith(_INTERFACE) and scope["method"] not in _EMPTY:
            try:
                scope["state"]["known"] = await run_in_threadpool(_token, scope)
            except Problem as problem:
                await answered(problem)(scope, receive, send)
                return
            except SeatrialError as error:
                await answered(of_error(error))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _token(scope: Scope) -> object:
    known = let_in(Headers(scope=scope).get("authorization", ""), scope["app"].state)
    scope["state"]["token"] = known.id
    return known
