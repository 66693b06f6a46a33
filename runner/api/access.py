"""Who asks, and whether they may: bearer tokens, their scopes, their targets, and how often."""

from collections.abc import Callable, Collection
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from runner.api.identities import Identities
from runner.api.problems import Problem
from runner.model.choices import choices
from runner.store.tokens import Token
from runner.wiring.serving import Service

_BEARER: Final = HTTPBearer(auto_error=False, description="A token made by `seatrial token create`, or one of a CI system.")
_LONGEST: Final = 512


def service_of(request: Request) -> Service:
    """The service that this application was made for."""
    found: Service = request.app.state.service
    return found


def needs(scope: str, *instead: str) -> Callable[..., Token]:
    """A dependency that lets in who has a token with that scope, or with one of the others, and says who it is."""

    def token(
        request: Request,
        _described: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Token:
        known: Token | None = getattr(request.state, "known", None)  # where something is sent, the door has asked already
        if known is None:
            known = let_in(request.headers.get("authorization", ""), request.app.state)
            request.state.token = known.id
        if not {scope, *instead} & set(known.scopes):
            raise Problem(403, "scope-missing", f"this needs a token with the scope {scope}", scope=scope)
        return known

    return token


def let_in(header: str, state: Any) -> Token:
    """Whose request it is that has this header `Authorization`, and one more of theirs. `state` is that of the application.

    Raises Problem where that is nobody, or they ask too often.
    """
    scheme, bearer = get_authorization_scheme_param(header)
    if scheme.lower() != "bearer" or not bearer:
        raise Problem(401, "token-missing", "this needs a token", hint="Authorization: Bearer TOKEN", error="invalid_request")
    known = _known(bearer, state.service, state.identities)
    state.pace.taken(known.id)
    return known


Reader = Annotated[Token, Depends(needs("read"))]
"""Whoever may look."""


def _known(bearer: str, service: Service, identities: Identities) -> Token:
    """Who a bearer stands for. Raises Problem where that is nobody, or nobody any more."""
    if (of_ci := identities.token(bearer)) is not None:
        return of_ci
    found = service.tokens.find(bearer) if len(bearer) <= _LONGEST else None
    if found is None:
        raise Problem(401, "token-unknown", "this token was never made here")
    known, wrong = found
    if wrong:
        raise Problem(401, f"token-{wrong}", f"this token is {wrong}")
    return known


def may_go_on(request: Request, service: Service) -> bool:
    """Whether the token that began a long answer is still good for one."""
    try:
        _known(get_authorization_scheme_param(request.headers.get("authorization"))[1], service, request.app.state.identities)
    except Problem:
        return False
    return True


def among(name: str, may: Collection[str]) -> str:
    """What to do about a name that a token may not use, or that there is none of: the sentence names those that it may."""
    said = choices(name, may, "this token may use")
    return f"{said[:1].upper()}{said[1:]}."


def allowed(token: Token, target: str) -> None:
    """Raises Problem where a token is bound to other targets."""
    if token.targets and target not in token.targets:
        raise Problem(
            403,
            "target-not-allowed",
            "this token is bound to other targets",
            targets=list(token.targets),
            hint=among(target, token.targets),
        )
