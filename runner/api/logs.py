"""One log record for each request: who asked what, and how it ended; never a query, a header or a body, which may hold secrets."""

import logging
import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runner.model.text import cut, printable

log = logging.getLogger("runner.api.access")

_LONGEST: Final = 300
_OFTEN: Final = ("/livez", "/readyz", "/metrics")
"""What machines ask all the time."""
_BROKEN: Final = 500


class AccessLog:
    """Writes the record once the answer has ended; an ASGI application around another."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), _BROKEN
        scope.setdefault("state", {})

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            level = logging.DEBUG if scope["path"] in _OFTEN and status < _BROKEN else logging.INFO
            log.log(level, "request", extra={"seatrial": _fields(scope, status, time.monotonic() - begun)})


def _fields(scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    client = scope.get("client")
    told = {
        "method": _text(scope["method"]),
        "path": _text(scope["path"]),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "token": scope["state"].get("token", ""),
        "client": _text(client[0]) if client else "",
        "run": _text(scope.get("path_params", {}).get("run", "")),
    }
    return {name: value for name, value in told.items() if value != ""}


def _text(said: Any) -> str:
    return cut(printable(str(said)), _LONGEST)
