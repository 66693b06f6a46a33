"""How large a request may be, and how long it may take to arrive: counted as it arrives, whatever it says of itself."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runner.api.problems import Problem, answered

SLOWEST: Final = 30.0
"""Seconds within which the whole body must have arrived."""
SPARE: Final = 64 * 1024
"""Bytes that a request may have around what it brings, and where it brings nothing, at all."""


class Bounds:
    """Ends requests with a larger or slower body; an ASGI application around another.

    `brought`: how many bytes may be brought to a path, where that is more than nothing.
    """

    def __init__(self, app: ASGIApp, *, brought: Mapping[str, int]) -> None:
        self._app = app
        self._brought = brought

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._brought.get(scope["path"], 0) + SPARE
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > most:
            await answered(_too_large(most))(scope, receive, send)
            return
        exchange = _Exchange(most, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            if not exchange.is_to_be_told:
                raise
        if exchange.wrong is not None and exchange.is_to_be_told:
            await answered(exchange.wrong)(scope, receive, send)


class _Exchange:
    """One request as it arrives, and its answer."""

    def __init__(self, most: int, receive: Receive, send: Send) -> None:
        self._most, self._receive, self._send = most, receive, send
        self._begun = asyncio.get_running_loop().time()
        self._seen = 0
        self._over = self._is_answered = False
        self.wrong: Problem | None = None
        """What is wrong with the body, once that is known."""

    @property
    def is_to_be_told(self) -> bool:
        """Whether what is wrong is the answer, whatever the application makes of it: a framework takes it for a body that is no JSON."""
        return self.wrong is not None and not self._is_answered

    async def receive(self) -> Message:
        """The next part of the body. Raises Problem where that is too much, or too late."""
        left = None if self._over else max(0.0, SLOWEST - (asyncio.get_running_loop().time() - self._begun))
        try:
            message = await asyncio.wait_for(self._receive(), left)
        except TimeoutError:
            self.wrong = Problem(408, "too-slow", f"the request did not arrive within {SLOWEST:g} seconds")
            raise self.wrong from None
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            self._over = not message.get("more_body", False)
            if self._seen > self._most:
                self.wrong = _too_large(self._most)
                raise self.wrong
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer."""
        if not self.is_to_be_told:
            self._is_answered = True
            await self._send(message)


def _too_large(most: int) -> Problem:
    return Problem(413, "too-large", f"a request may have {most} bytes here")
