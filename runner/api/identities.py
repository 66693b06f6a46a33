"""Tokens that a CI system made and signed: whom they stand for, by the identities of the server's configuration."""

import re
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from runner.api.issuers import ALGORITHMS, PAUSE, Keys, NoKeys
from runner.api.problems import Problem
from runner.model.claims import fits, text_of
from runner.model.configuration import Configuration, Identity
from runner.model.text import printable
from runner.store.tokens import Token

LONGEST: Final = 8192
"""Characters of such a token."""
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")
_NEEDED: Final = ("iss", "aud", "exp")
_LEEWAY: Final = 30.0
"""Seconds by which clocks may differ."""
_LONGEST_NAME: Final = 200
_LONGEST_KEY: Final = 200
_MOST_SECONDS: Final = 86400.0
"""Within which such a token must end."""


class Refused(Problem):
    """A token that is good for nothing; `near` grows with how much of it was right."""

    def __init__(self, near: int, code: str, detail: str, *, status: int = 401, **more: Any) -> None:
        super().__init__(status, code, detail, **more)
        self.near = near


class Identities:
    """Whom the tokens of CI systems stand for; any thread may ask."""

    def __init__(self, configuration: Configuration) -> None:
        sources: dict[tuple[str, str], Keys] = {}
        self._known = [
            (identity, sources.setdefault((identity.jwks_url, identity.jwks_file), Keys(identity))) for identity in configuration.identities
        ]

    def token(self, bearer: str) -> Token | None:
        """What a bearer may do; `None` where it is no token of this kind. Raises Problem where it is good for nothing."""
        if not self._known or len(bearer) > LONGEST or not _SHAPE.fullmatch(bearer):
            return None
        import jwt

        try:
            head, said = jwt.get_unverified_header(bearer), jwt.decode(bearer, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as problem:
            raise Problem(401, "token-unknown", "this is no token that can be read") from problem
        of_issuer = [(identity, keys) for identity, keys in self._known if identity.issuer == said.get("iss")]
        if not of_issuer:
            raise Problem(401, "token-unknown", "this server's configuration names no identity of this issuer")
        refusals = []
        for identity, keys in of_issuer:
            try:
                return _token(identity, _verified(bearer, head, identity, keys))
            except Refused as refusal:
                refusals.append(refusal)
        raise max(refusals, key=lambda refusal: refusal.near)


def _verified(bearer: str, head: Mapping[str, Any], identity: Identity, keys: Keys) -> dict[str, Any]:
    """The claims, once signature, issuer, audience and times are right. Raises Refused."""
    import jwt

    name, algorithm = head.get("kid"), head.get("alg")
    if algorithm not in ALGORITHMS or not (name is None or (isinstance(name, str) and len(name) <= _LONGEST_KEY)):
        raise Refused(0, "token-unknown", f"a token is signed by one of {', '.join(ALGORITHMS)} here")
    try:
        key = keys.find(name)
    except NoKeys as problem:
        raise Refused(1, "issuer-unavailable", str(problem), status=503, retry_after=PAUSE) from problem
    if key is None or key.algorithm != algorithm:
        raise Refused(0, "token-unknown", "no key of its issuer has signed this token")
    needed: Any = {"require": list(_NEEDED), "verify_iat": False}
    try:
        found: dict[str, Any] = jwt.decode(
            bearer, key.key, [key.algorithm], needed, audience=identity.audience, issuer=identity.issuer, leeway=_LEEWAY
        )
    except jwt.ExpiredSignatureError as problem:
        raise Refused(1, "token-expired", "this token is expired") from problem
    except (jwt.InvalidAudienceError, jwt.ImmatureSignatureError, jwt.MissingRequiredClaimError) as problem:
        raise Refused(1, "token-unfit", f"this token does not fit: {printable(str(problem))}") from problem
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as problem:
        raise Refused(0, "token-unknown", "no key of its issuer has signed this token") from problem
    return found


def _token(identity: Identity, claims: Mapping[str, Any]) -> Token:
    """What a token allows whose claims can be believed. Raises Refused where they do not fit the identity."""
    for name, pattern in identity.claims.items():
        if name not in claims or not fits(pattern, claims[name]):
            raise Refused(2, "token-unfit", f"this token does not fit: claim {printable(name)}")
    values = {name: text_of(claims.get(name)) for name in identity.named_claims}
    called = identity.called({name: value or "" for name, value in values.items()})
    if not all(values.values()) or len(called) > _LONGEST_NAME or not called.isprintable():
        raise Refused(2, "token-unfit", "this token does not say who asks")
    ends, now = float(claims["exp"]), time.time()
    if ends > now + _MOST_SECONDS:
        raise Refused(2, "token-unfit", "this token does not fit: it is good for more than a day")
    identity_of = sha256(f"{identity.issuer}\0{identity.audience}\0{called}".encode("utf-8", "surrogatepass")).hexdigest()
    return Token(f"oidc-{identity_of[:24]}", called, identity.scopes, identity.targets, now, ends)
