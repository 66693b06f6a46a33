"""Signing in with a token, and out."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from runner.api.dashboard.pages import Page, back, page
from runner.api.dashboard.served import Served
from runner.api.dashboard.visit import COOKIE, LOGIN, Sending, is_local, is_ours, session_of, sessions_of
from runner.api.problems import Problem
from runner.store.tokens import Token
from runner.wiring.serving import Service

router = APIRouter(route_class=Page, include_in_schema=False)
PER_MINUTE: Final = 10
"""Wrong attempts to sign in from one address within a minute; a token that is right is never refused, whoever else tries from there."""
_LONGEST: Final = 512
_LIMIT: Final = RateLimitItemPerMinute(PER_MINUTE)
_WINDOW: Final = MovingWindowRateLimiter(MemoryStorage())
_Back = Annotated[str, Query(max_length=1000)]


@router.get(LOGIN)
def login(request: Request, to: _Back = "/") -> Response:
    """The form."""
    if session_of(request) is not None and to == "/":
        return back("/")
    return page(request, None, "login.html", to=to if is_local(to) else "/", problem="")


@router.post(LOGIN)
def sign_in(
    request: Request,
    service: Served,
    token: Annotated[str, Form(max_length=_LONGEST)] = "",
    to: Annotated[str, Form(max_length=1000)] = "/",
) -> Response:
    """Begin a session for whoever has a token that may read."""
    if not is_ours(request):
        raise Problem(403, "form-foreign", "this form is not from this server")
    to = to if is_local(to) else "/"
    known, problem = _shown(service, token.strip())
    if known is None:
        _counted(request)
        return page(request, None, "login.html", status=401, to=to, problem=problem)
    if (earlier := session_of(request)) is not None:
        sessions_of(request).end(earlier)
    session = sessions_of(request).begin(known.id)
    response = back(to)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, session.name, httponly=True, samesite="strict", secure=secure, path="/")
    return response


@router.post("/logout")
def sign_out(request: Request, visitor: Sending) -> Response:
    """End the session."""
    sessions_of(request).end(visitor.session)
    response = back(LOGIN)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _counted(request: Request) -> None:
    """Count a wrong attempt. Raises Problem where there were too many."""
    if not _WINDOW.hit(_LIMIT, request.client.host if request.client else "here"):
        raise Problem(429, "too-many-requests", "there were too many attempts to sign in from your address: wait a minute", retry_after=60)


def _shown(service: Service, given: str) -> tuple[Token | None, str]:
    """The token that was shown, or why nobody is let in by it."""
    found = service.tokens.find(given) if given else None
    if found is None:
        return None, "This token was never made here."
    token, wrong = found
    if wrong:
        return None, f"This token is {wrong}."
    if "read" not in token.scopes:
        return None, "This token may not read: it needs the scope read."
    return token, ""
