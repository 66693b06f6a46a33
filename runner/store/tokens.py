"""Who may ask a server for what: tokens whose secret half is known to nobody but their holder."""

import hmac
import json
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from runner.errors import UsageError
from runner.store.database import PATIENCE, Database
from runner.store.names import storable
from runner.store.places import claim

SCOPES: Final = ("read", "submit", "approve", "operate", "safety:admin")
"""What a token may allow: look; submit and check; approve and deny; cancel, confirm, take back, restore, breakers; switch the gates off."""
CREATED: Final = "token.created"
REVOKED: Final = "token.revoked"
_PREFIX: Final = "seatrial"
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_PARTS: Final = 3


class Token(NamedTuple):
    """A token as it is listed; times in seconds since 1970 by the database's clock. `targets` empty allows all."""

    id: str
    name: str
    """Who asks by it: the author of what is submitted, and whose word an approval is."""
    scopes: tuple[str, ...]
    targets: tuple[str, ...]
    created: float
    expires: float
    revoked: float | None = None


class SqlTokens:
    """Tokens in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    def create(self, name: str, scopes: tuple[str, ...], targets: tuple[str, ...], seconds: float, *, by: str) -> str:
        """Make a token and return it whole: it can be had this once. Raises UsageError for a scope that there is none of."""
        from sqlalchemy import insert

        from runner.store.schema import tokens

        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise UsageError(f"there is no scope '{unknown[0]}'", hint=f"Scopes are: {', '.join(SCOPES)}.")
        claim(self._state)
        identity, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        with self._database.writing() as transaction:
            now = transaction.now
            row = {"id": identity, "hash": _hash(secret), "name": storable(name), "created": now, "expires": now + seconds}
            lists = {"scopes": json.dumps(sorted(set(scopes))), "targets": json.dumps(sorted(set(targets)))}
            transaction.connection.execute(insert(tokens).values(**row, **lists))
            told = {"name": name, "by": by, "scopes": sorted(set(scopes)), "targets": sorted(set(targets)), "expires": now + seconds}
            transaction.audit(CREATED, identity, told)
        return f"{_PREFIX}_{identity}_{secret}"

    def list(self) -> tuple[Token, ...]:
        """All of them, newest first."""
        from runner.store.schema import tokens

        query = tokens.select().order_by(tokens.c.created.desc(), tokens.c.id)
        with self._database.reading() as transaction:
            return tuple(_token(row) for row in transaction.connection.execute(query)) if transaction else ()

    def revoke(self, identity: str, *, by: str) -> Token:
        """Let a token be good for nothing from now on. Raises UsageError where there is none of that id."""
        from sqlalchemy import update

        from runner.store.schema import tokens

        with self._database.writing() as transaction:
            connection, here = transaction.connection, tokens.c.id == identity
            if connection.execute(tokens.select().where(here)).first() is None:
                raise UsageError(f"there is no token '{identity}'", hint="`seatrial token list` shows them.")
            if connection.execute(update(tokens).where(here, tokens.c.revoked.is_(None)).values(revoked=transaction.now)).rowcount:
                transaction.audit(REVOKED, identity, {"by": by})
            return _token(connection.execute(tokens.select().where(here)).one())

    def find(self, whole: str) -> tuple[Token, str] | None:
        """The token that was sent, and why it is good for nothing: `revoked`, `expired`, or nothing; `None` for one that was never made."""
        from runner.store.schema import tokens

        parts = whole.split("_", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != _PREFIX:
            return None
        with self._database.reading() as transaction:
            if transaction is None:
                return None
            row = transaction.connection.execute(tokens.select().where(tokens.c.id == storable(parts[1]))).first()
            now = transaction.now
        if row is None or not hmac.compare_digest(row.hash, _hash(parts[2])):
            return None
        token = _token(row)
        return token, "revoked" if token.revoked is not None else "expired" if token.expires <= now else ""

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _hash(secret: str) -> str:
    """The secret has 256 random bits, so that a plain hash of it cannot be guessed at."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: Any) -> Token:
    scopes, targets = tuple(json.loads(row.scopes)), tuple(json.loads(row.targets))
    return Token(row.id, row.name, scopes, targets, row.created, row.expires, row.revoked)
