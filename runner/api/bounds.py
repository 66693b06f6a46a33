"""How large a request may be, and how long it may take to arrive: counted as it arrives, whatever it says of itself."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runner.api.problems import Problem, answered

SLOWEST: Final = 30.0
"""Seconds within which the whole body must have arrived."""
_SPARE: Final = 64 * 1024
"""Bytes that a request may have around a change."""


class Bounds:
    """Ends requests with a larger or slower body; an ASGI application around another."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most + _SPARE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > self._most:
            await answered(self._too_large())(scope, receive, send)
            return
        seen, begun, over = 0, asyncio.get_running_loop().time(), False
        answered_already = False

        async def counted() -> Message:
            nonlocal seen, over
            left = None if over else max(0.0, SLOWEST - (asyncio.get_running_loop().time() - begun))
            try:
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError:
                raise Problem(408, "too-slow", f"the request did not arrive within {SLOWEST:g} seconds") from None
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                over = not message.get("more_body", False)
                if seen > self._most:
                    raise self._too_large()
            return message

        async def told(message: Message) -> None:
            nonlocal answered_already
            answered_already = True
            await send(message)

        try:
            await self._app(scope, counted, told)
        except Problem as problem:
            if answered_already:
                raise
            await answered(problem)(scope, receive, send)

    def _too_large(self) -> Problem:
        return Problem(413, "too-large", f"a request may have {self._most} bytes here")
