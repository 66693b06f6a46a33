"""Sends requests to one server and reads its answers: bounded in size and time, and again where that is safe."""

import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from random import SystemRandom
from typing import Any, Final, NamedTuple

import requests
import urllib3

from runner import __version__
from runner.client.address import Address
from runner.client.calls import Call
from runner.client.problems import ServerUnavailable, error_of
from runner.client.unix import UnixAdapter
from runner.errors import InfrastructureError, UsageError
from runner.model.text import cut, printable

CONNECT: Final = 10.0
READ: Final = 60.0
WHOLE: Final = 300.0
"""Seconds: to connect, between two pieces of an answer, and for all of it."""
MOST: Final = 64 * 2**20
"""Bytes of an answer."""
_PIECE: Final = 64 * 2**10
_FEW: Final = 4.0
_PATIENCE: Final = 120.0
"""Seconds that are spent on a server that cannot be reached, and on one that asks to come again."""
_FIRST, _LONGEST = 0.5, 8.0
"""Seconds between two attempts."""
_SHOWN: Final = 300
_LOST: Final = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


class Reply(NamedTuple):
    """An answer that is one."""

    body: bytes
    replayed: bool
    """Whether this is what the same request was answered before."""


class _Patience:
    """How long a request may go on: long for a server that says when to come again, short since it was last heard of otherwise."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = self._heard = clock()
        self._lost = self._busy = _FIRST

    def wait(self, after: float | None) -> float | None:
        """The seconds until the next attempt, `None` where there is to be none; `after` is what the server asked for, if it did."""
        now, more = self._clock(), SystemRandom().uniform(1.0, 1.2)  # not all clients at once
        if after is None:
            wait, self._lost = self._lost * more, min(2 * self._lost, _LONGEST)
            return wait if now - self._heard + wait <= _FEW else None
        wait, self._busy = max(after, self._busy) * more, min(2 * self._busy, _LONGEST)
        self._heard, self._lost = now + wait, _FIRST
        return wait if now - self._begun + wait <= _PATIENCE else None


class _Straight(requests.Session):
    """Sees no redirection in any answer: the token is for one server alone, and where another sends is not even looked at."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class Connection:
    """Requests to the server at an address by who has this token; `sleep` is how to wait between two attempts."""

    def __init__(
        self, address: Address, token: str, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.address = address
        self._token, self._sleep, self._clock = token, sleep, clock
        self._session = _Straight()
        if address.local:
            self._session.trust_env = False  # a proxy leads elsewhere
        if address.socket:
            self._session.mount("http://", UnixAdapter(address.socket))

    def close(self) -> None:
        """Let go of what is open."""
        self._session.close()

    def ask(self, call: Call, *, run: str = "", query: Mapping[str, str] | None = None, key: str = "", **body: Any) -> Reply:
        """What the server answers. `body` is `json=` or, for a form, `data=` and `files=`, as `requests` takes them.

        A request that changes something has a `key`, so that it can be sent again. Raises UsageError, ChangeRefused and PolicyInvalid for
        what the server refuses, ServerUnavailable where it does not answer in the end, InfrastructureError for an answer that is none.
        """
        patience = _Patience(self._clock)
        while True:
            try:
                return self._asked(call, run, query, key, body)
            except ServerUnavailable as problem:
                wait = patience.wait(problem.after)
                if wait is None:
                    raise
            self._sleep(wait)

    def _asked(self, call: Call, run: str, query: Mapping[str, str] | None, key: str, body: dict[str, Any]) -> Reply:
        headers = {"Idempotency-Key": key} if key else {}
        with self._sent(call, run, query, headers, READ, body) as response:
            return Reply(self._read(response), response.headers.get("Idempotent-Replayed", "") == "true")

    @contextmanager
    def listen(self, call: Call, query: Mapping[str, str], *, seconds: float) -> Iterator[Iterator[bytes]]:
        """The pieces of an answer as they come, as long as not more than `seconds` lie between two. Raises as `ask` does, and does not try again."""
        with self._sent(call, "", query, {"Accept": "text/event-stream"}, seconds, {}) as response:
            if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise InfrastructureError("the server's events are no stream of events")
            yield self._pieces(response)

    @contextmanager
    def _sent(
        self, call: Call, run: str, query: Mapping[str, str] | None, headers: dict[str, str], seconds: float, body: dict[str, Any]
    ) -> Iterator[requests.Response]:
        usual = {
            "User-Agent": f"seatrial/{__version__}",
            "Accept": "application/json, application/problem+json",
            "Accept-Encoding": "identity",
        }
        with self._translated():
            response = self._session.request(
                call.method,
                self.address.url + call.at(run),
                params=query,
                headers={**usual, **headers},
                auth=self._authorised,
                timeout=(CONNECT, seconds),
                allow_redirects=False,
                stream=True,
                **body,
            )
        with response:
            self._check(response)
            yield response

    def _authorised(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """As `auth`, since what stands in a .netrc would take the place of a mere header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _check(self, response: requests.Response) -> None:
        """Raises the error that an answer stands for."""
        status = response.status_code
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            there = cut(printable(response.headers.get("Location", "elsewhere")), _SHOWN)
            raise UsageError(f"{self.address.name} is not the server itself: it sends to {there}", hint="Give the address that it is at.")
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise error_of(status, self._read(response), response.headers.get("Retry-After", ""), self.address.name)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise InfrastructureError("the server's answer is packed, which was not asked for")

    def _read(self, response: requests.Response) -> bytes:
        until = self._clock() + WHOLE
        pieces, size = [], 0
        for piece in self._pieces(response):
            size += len(piece)
            if size > MOST:
                raise InfrastructureError(f"the server's answer is larger than {MOST} bytes")
            if self._clock() > until:
                raise ServerUnavailable(f"the server's answer took longer than {WHOLE:g} seconds")
            pieces.append(piece)
        return b"".join(pieces)

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        """What arrives, as it arrives: nothing is waited for to fill a piece."""
        while True:
            with self._translated():
                piece = response.raw.read1(_PIECE, decode_content=False)
            if not piece:
                return
            yield piece

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, requests.exceptions.InvalidSchema) as problem:
            raise UsageError(f"{self.address.name} is no address of a server: {_said(problem)}") from problem
        except _LOST as problem:
            hint = "Is that its address, and does it run?"
            raise ServerUnavailable(f"the server at {self.address.name} cannot be reached: {_said(problem)}", hint=hint) from problem
        except ValueError as problem:  # an address or a header that the library cannot make out
            raise InfrastructureError(f"the answer of {self.address.name} cannot be understood: {_said(problem)}") from problem


def _said(problem: BaseException) -> str:
    """The innermost reason: what the operating system said, where it did."""
    seen: list[BaseException] = []
    inner: BaseException | None = problem
    while inner is not None and inner not in seen:
        seen.append(inner)
        reason = getattr(inner, "reason", None)
        nested = [each for each in (reason, inner.__cause__, inner.__context__, *inner.args) if isinstance(each, BaseException)]
        inner = nested[0] if nested else None
    last = seen[-1]
    if isinstance(last, TimeoutError) or any(isinstance(each, requests.Timeout) for each in seen):
        return "no answer in time"
    strerror = getattr(last, "strerror", None)
    return cut(printable(strerror if isinstance(strerror, str) and strerror else str(last) or type(last).__name__), _SHOWN)
