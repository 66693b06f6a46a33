"""Who is told of events by webhook: where, of which kinds, and the secrets that sign it."""

import json
import secrets
from base64 import b64encode
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from runner.errors import UsageError
from runner.store.database import PATIENCE, Database
from runner.store.names import storable
from runner.store.places import claim

CREATED: Final = "webhook.created"
ROTATED: Final = "webhook.rotated"
DELETED: Final = "webhook.deleted"
DISABLED: Final = "webhook.disabled"
"""Kinds of entries of the audit log; their subject is the webhook."""
MOST: Final = 100
"""Webhooks that there may be."""
OVERLAP: Final = 86400.0
"""Seconds after a rotation for which the earlier secret signs, too."""
_PREFIX: Final = "whsec_"
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32


class Webhook(NamedTuple):
    """A webhook as it is listed; times in seconds since 1970 by the database's clock. Its secrets are not told."""

    id: str
    url: str
    kinds: tuple[str, ...]
    """Kinds of events, or the beginnings of kinds as `run.*`; empty: all but `run.doing`, which has to be named."""
    name: str
    """Who made it."""
    created: float
    failing: float | None
    """Since when nothing arrived there."""
    disabled: float | None
    reason: str
    """Why it is disabled."""
    pending: int
    """Deliveries that are on their way."""


class SqlWebhooks:
    """Webhooks in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    def create(self, url: str, kinds: tuple[str, ...], *, by: str) -> tuple[Webhook, str]:
        """Tell a URL of events from now on; the webhook and its secret, which can be had this once. Raises UsageError where there are too many."""
        from sqlalchemy import func, insert, select

        from runner.store.schema import events, webhooks

        claim(self._state)
        secret, wanted = fresh_secret(), tuple(sorted(set(kinds)))
        with self._database.writing() as transaction:
            connection, now = transaction.connection, transaction.now
            if int(connection.execute(select(func.count()).select_from(webhooks)).scalar() or 0) >= MOST:
                raise UsageError(f"there are {MOST} webhooks already", hint="Delete one that nobody needs.")
            newest = int(connection.execute(select(func.max(events.c.seq))).scalar() or 0)
            made = Webhook(secrets.token_hex(_ID_BYTES), url, wanted, storable(by), now, None, None, "", 0)
            row = {"id": made.id, "url": url, "kinds": json.dumps(wanted), "name": made.name, "secret": secret, "created": now}
            connection.execute(insert(webhooks).values(**row, seq=newest, rests=0.0, reason="", holder="", lease=0.0))
            transaction.audit(CREATED, made.id, {"host": urlsplit(url).netloc, "kinds": list(wanted), "by": by})
        return made, secret

    def list(self) -> tuple[Webhook, ...]:
        """All of them, newest first."""
        return self._found()

    def find(self, identity: str) -> Webhook | None:
        """The one of that id, or `None`."""
        return next(iter(self._found(identity)), None)

    def rotate(self, identity: str, *, by: str) -> tuple[str, float]:
        """A new secret, which can be had this once, and until when the one before signs beside it. Raises UsageError where there is no such webhook."""
        from sqlalchemy import update

        from runner.store.schema import webhooks

        secret = fresh_secret()
        with self._database.writing() as transaction:
            here = webhooks.c.id == storable(identity)
            changed = update(webhooks).where(here).values(earlier=webhooks.c.secret, secret=secret, rotated=transaction.now)
            if not transaction.connection.execute(changed).rowcount:
                raise _unknown(identity)
            transaction.audit(ROTATED, identity, {"by": by})
            return secret, transaction.now + OVERLAP

    def delete(self, identity: str, *, by: str) -> None:
        """Tell it nothing any more, and forget what was on its way. Raises UsageError where there is no such webhook."""
        from sqlalchemy import delete

        from runner.store.schema import deliveries, webhooks

        with self._database.writing() as transaction:
            connection = transaction.connection
            if not connection.execute(delete(webhooks).where(webhooks.c.id == storable(identity))).rowcount:
                raise _unknown(identity)
            connection.execute(delete(deliveries).where(deliveries.c.hook == storable(identity)))
            transaction.audit(DELETED, identity, {"by": by})

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _found(self, identity: str | None = None) -> tuple[Webhook, ...]:
        from sqlalchemy import func, select

        from runner.store.schema import deliveries, webhooks

        waiting = select(func.count()).where(deliveries.c.hook == webhooks.c.id, deliveries.c.state == "pending").scalar_subquery()
        query = select(webhooks, waiting.label("pending")).order_by(webhooks.c.created.desc(), webhooks.c.id)
        if identity is not None:
            query = query.where(webhooks.c.id == storable(identity))
        with self._database.reading() as transaction:
            return tuple(_webhook(row) for row in transaction.connection.execute(query)) if transaction else ()


def fresh_secret() -> str:
    """A secret as the Standard Webhooks write it."""
    return _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _unknown(identity: str) -> UsageError:
    return UsageError(f"there is no webhook '{identity}'", hint="GET /api/v1/webhooks lists them.")


def _webhook(row: Any) -> Webhook:
    kinds = tuple(json.loads(row.kinds))
    return Webhook(row.id, row.url, kinds, row.name, row.created, row.failing, row.disabled, row.reason, int(row.pending))
