"""Who looks at a page, and whether they may do what they ask: the session of the cookie, and the token behind it at this moment."""

import hmac
from typing import Annotated, Final, NamedTuple
from urllib.parse import quote, urlsplit

from fastapi import Depends, Form, Path, Request, Response

from runner.api.access import service_of
from runner.api.binding import bound_about, may_cancel, reach_of
from runner.api.dashboard.sessions import Session, Sessions
from runner.api.named import run_seen
from runner.api.problems import Problem
from runner.api.texts import Said
from runner.store.reach import Reach
from runner.store.tokens import Token
from runner.wiring.serving import Service

COOKIE: Final = "seatrial-session"
LOGIN: Final = "/login"
_LONGEST: Final = 200


class Visitor(NamedTuple):
    """A browser that is signed in, and the token that it signed in with."""

    session: Session
    token: Token

    def may(self, scope: str) -> bool:
        """Whether the token has a scope."""
        return scope in self.token.scopes

    def may_about(self, scope: str, run: str, service: Service) -> bool:
        """The same about a run, which may be of targets that the token is not bound to."""
        return self.may(scope) and self._is_bound_to(run, service)

    def may_cancel(self, run: str, service: Service) -> bool:
        """Whether the token may cancel a run."""
        return may_cancel(self.token, run, service) and self._is_bound_to(run, service)

    def _is_bound_to(self, run: str, service: Service) -> bool:
        try:
            bound_about(self.token, run, service)
        except Problem:
            return False
        return True

    def reach(self, service: Service) -> Reach | None:
        """The runs that the token may see; `None`: all."""
        return reach_of(self.token, service)

    def needs(self, scope: str) -> None:
        """Raises Problem where the token lacks a scope."""
        if not self.may(scope):
            raise Problem(403, "scope-missing", f"this needs a token with the scope {scope}")


class Away(Exception):
    """Nobody is signed in: the browser is sent to where one signs in."""


def sessions_of(request: Request) -> Sessions:
    """The sessions of this process."""
    found: Sessions = request.app.state.sessions
    return found


def by_itself(request: Request) -> bool:
    """Whether a page asks by itself, to stay up to date."""
    return "hx-request" in request.headers or request.url.path == "/live"


def session_of(request: Request) -> Session | None:
    """The session that the browser has, if it lasts."""
    name = request.cookies.get(COOKIE, "")
    return sessions_of(request).find(name, used=not by_itself(request)) if 0 < len(name) <= _LONGEST else None


def token_of(session: Session, service: Service) -> Token | None:
    """The token of a session, while it is good for something: one that was revoked ends the session with it."""
    token = next((one for one in service.tokens.list() if one.id == session.token), None)
    if token is None or token.revoked is not None or token.expires <= service.kept.promotions.now():
        return None
    return token


def _visitor(request: Request, service: Annotated[Service, Depends(service_of)]) -> Visitor:
    session = session_of(request)
    token = token_of(session, service) if session else None
    if session is None:
        raise Away
    if token is None:
        sessions_of(request).end(session)
        raise Away
    request.app.state.pace.taken(token.id)
    if "read" not in token.scopes:
        raise Problem(403, "scope-missing", "this needs a token with the scope read")
    return Visitor(session, token)


def _sender(
    request: Request,
    visitor: Annotated[Visitor, Depends(_visitor)],
    csrf: Annotated[str, Form(max_length=_LONGEST)] = "",
) -> Visitor:
    if not is_ours(request) or not hmac.compare_digest(csrf.encode(), visitor.session.secret.encode()):
        raise Problem(
            403, "form-foreign", "this form is not from a page of this session", hint="Go back, load the page again, and send it again."
        )
    return visitor


Looking = Annotated[Visitor, Depends(_visitor)]
"""Whoever looks at a page."""


def _seen(run: Annotated[str, Path(max_length=64)], visitor: Looking, service: Annotated[Service, Depends(service_of)]) -> str:
    return run_seen(run, visitor.token, service)


SeenRun = Annotated[str, Depends(_seen)]
"""The whole id of the run that the path names; the runs that the token may not see are not there."""
Sending = Annotated[Visitor, Depends(_sender)]
"""Whoever sends a form that a page of theirs had."""
Reason = Annotated[Said, Form()]
"""Why, for the record."""


def is_ours(request: Request) -> bool:
    """Whether a form comes from a page of this server, by the browser's word."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def login_of(request: Request) -> Response:
    """To where one signs in, and from there back to the page; a page that asked by itself is left for it."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?to={quote(asked, safe='')}" if request.method == "GET" and not by_itself(request) and asked != "/" else ""
    if by_itself(request):
        return Response(status_code=401, headers={"HX-Redirect": LOGIN})
    return Response(status_code=303, headers={"Location": LOGIN + back})


def is_local(address: str) -> bool:
    """Whether an address to go back to is a page of this server."""
    return (
        address.isascii()
        and address.isprintable()
        and address.startswith("/")
        and not address.startswith(("//", "/\\"))
        and "\\" not in address
    )
