"""Events on their way to webhooks: made of the outbox, so that each event has one per webhook, sent by one process at a time, tried again for a day."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from runner.errors import UsageError
from runner.model.text import cut
from runner.store.database import PATIENCE, Database, Transaction
from runner.store.events import DOING
from runner.store.names import storable
from runner.store.webhooks import DISABLED, OVERLAP

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

LEASE: Final = 60.0
"""Seconds for which nobody else sends to a webhook; one attempt takes far less."""
DELAYS: Final = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 25200.0)
"""Seconds from one attempt to the next, within a fifth more or less; after the last, a day after the first, it has failed."""
_SHARE: Final = 0.2
_REST: Final = 60.0
"""Seconds for which a webhook that failed is left alone at most: what else is on its way there would fail as well."""
PATIENCE_WITH: Final = 3 * 86400.0
"""Seconds without a success after which a webhook is disabled."""
KEPT: Final = 7 * 86400.0
"""Seconds for which what has ended can be sent once more."""
_PAGE: Final = 200
_LONGEST_BODY: Final = 64 * 2**10
_LONGEST_PROBLEM: Final = 300
_GONE: Final = 410
_FINE: Final = range(200, 300)


class Delivery(NamedTuple):
    """One event on its way to one webhook, as it is listed."""

    number: int
    id: str
    """Its `webhook-id`, the same at every attempt."""
    seq: int
    kind: str
    at: float
    state: str
    """`pending`, `delivered` or `failed`."""
    attempts: int
    due: float
    status: int | None
    problem: str


class Claimed(NamedTuple):
    """What is to be sent now, by whoever holds the ticket."""

    ticket: str
    hook: str
    url: str
    secrets: tuple[str, ...]
    number: int
    id: str
    body: str
    attempts: int

    def __repr__(self) -> str:
        return f"Claimed({self.id!r} for {self.hook!r})"


class Sent(NamedTuple):
    """How an attempt ended: the status of the answer, or why there was none."""

    status: int | None
    problem: str = ""


class SqlDeliveries:
    """Deliveries in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._database = Database(state, patience=patience)

    def spread(self) -> int:
        """Make deliveries of the events that no webhook was told of yet; how many events were looked at."""
        from runner.store.schema import webhooks

        with self._database.reading() as transaction:
            if transaction is None or not tuple(_behind(transaction.connection)):
                return 0
        with self._database.writing() as transaction:
            connection, seen = transaction.connection, 0
            for hook in tuple(_behind(connection)):
                rows = _after(connection, int(hook.seq))
                seen += len(rows)
                wanted = [_row(hook.id, row, transaction.now) for row in rows if _wants(json.loads(hook.kinds), row.kind)]
                if wanted:
                    connection.execute(_deliveries().insert(), wanted)
                connection.execute(webhooks.update().where(webhooks.c.id == hook.id).values(seq=rows[-1].seq))
        return seen

    def claim(self, limit: int) -> tuple[Claimed, ...]:
        """Take what is due at that many webhooks which nobody sends to."""
        with self._database.reading() as transaction:
            if limit < 1 or transaction is None or not _ready(transaction, 1):
                return ()
        with self._database.writing() as transaction:
            return tuple(_take(transaction, hook) for hook in _ready(transaction, limit))

    def settle(self, claimed: Claimed, sent: Sent, *, jitter: float, go_on: bool) -> Claimed | None:
        """Write down how an attempt ended; with `go_on` also what is to be sent there next. `jitter` is from 0 to 1.

        Nothing is written where somebody else has taken the webhook over meanwhile.
        """
        from runner.store.schema import webhooks

        with self._database.writing() as transaction:
            connection, here = transaction.connection, webhooks.c.id == claimed.hook
            hook = connection.execute(webhooks.select().where(here, webhooks.c.holder == claimed.ticket)).first()
            if hook is None:
                return None
            fine = sent.status in _FINE
            if sent.status == _GONE:
                _disable(transaction, claimed.hook, "it answered 410: it wants no more")
            elif not fine and hook.failing is not None and transaction.now - hook.failing > PATIENCE_WITH:
                _disable(transaction, claimed.hook, "nothing arrived there for three days")
            rests = 0.0 if fine else _write_down(transaction, claimed, sent, jitter)
            if fine:
                _end(connection, claimed, transaction.now, sent)
            since = None if fine else hook.failing or transaction.now
            connection.execute(webhooks.update().where(here).values(failing=since, rests=rests, holder="", lease=0.0))
            following = [one for one in _ready(transaction, 1, only=claimed.hook) if fine and go_on]
            return _take(transaction, following[0]) if following else None

    def again(self, hook: str, delivery: str) -> Delivery:
        """Send it once more, under the same id; how it is listed then. Raises UsageError where there is no such delivery any more, or its webhook is disabled."""
        from runner.store.schema import webhooks

        with self._database.writing() as transaction:
            connection, table = transaction.connection, _deliveries()
            here = (table.c.hook == storable(hook), table.c.id == storable(delivery))
            found = connection.execute(webhooks.select().where(webhooks.c.id == storable(hook))).first()
            if found is not None and found.disabled is not None:
                raise UsageError(f"the webhook is disabled: {found.reason}", hint="Make a new one.")
            fresh = {"state": "pending", "attempts": 0, "due": transaction.now, "ended": None}
            if not connection.execute(table.update().where(*here).values(**fresh)).rowcount:
                raise UsageError("there is no such delivery", hint=f"What has ended is kept for {KEPT / 86400:g} days.")
            connection.execute(webhooks.update().where(webhooks.c.id == storable(hook)).values(rests=0.0))
            return _listed(connection.execute(table.select().where(*here)).one())

    def page(self, hook: str, limit: int, *, before: int | None = None, state: str = "") -> tuple[Delivery, ...]:
        """Those of a webhook, newest first: before a number, in a state where those are given."""
        table = _deliveries()
        query = table.select().where(table.c.hook == storable(hook)).order_by(table.c.number.desc()).limit(limit)
        query = query if before is None else query.where(table.c.number < before)
        query = query.where(table.c.state == state) if state else query
        with self._database.reading() as transaction:
            rows = transaction.connection.execute(query).all() if transaction else []
        return tuple(_listed(row) for row in rows)

    def prune(self) -> None:
        """Remove what ended long ago."""
        with self._database.writing() as transaction:
            table = _deliveries()
            transaction.connection.execute(table.delete().where(table.c.ended < transaction.now - KEPT))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _deliveries() -> Any:
    from runner.store.schema import deliveries

    return deliveries


def _listed(row: "Row[Any]") -> Delivery:
    return Delivery(*(getattr(row, name) for name in Delivery._fields))


def _behind(connection: "Connection") -> Iterator["Row[Any]"]:
    """The webhooks that there are newer events for."""
    from sqlalchemy import func, select

    from runner.store.schema import events, webhooks

    newest = select(func.max(events.c.seq)).scalar_subquery()
    yield from connection.execute(webhooks.select().where(webhooks.c.disabled.is_(None), webhooks.c.seq < newest))


def _after(connection: "Connection", seq: int) -> list["Row[Any]"]:
    from runner.store.schema import events

    return list(connection.execute(events.select().where(events.c.seq > seq).order_by(events.c.seq).limit(_PAGE)))


def _wants(kinds: list[str], kind: str) -> bool:
    """What only says that a stage begins is for who watches: it is posted where it is named."""
    if kind == DOING:
        return DOING in kinds
    return not kinds or any(kind == one or (one.endswith(".*") and kind.startswith(one[:-1])) for one in kinds)


def _row(hook: str, event: "Row[Any]", now: float) -> dict[str, Any]:
    begun = {"state": "pending", "attempts": 0, "due": now, "problem": ""}
    named = {"id": f"msg_{uuid4().hex}", "hook": hook, "seq": event.seq, "kind": event.kind, "at": event.at}
    return {**named, **begun, "body": _body(event)}


def _body(event: "Row[Any]") -> str:
    """What is sent, as the Standard Webhooks have it; a body that nobody would take is left out, and can be asked for."""
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told: Mapping[str, Any] = json.loads(event.body) if len(event.body) <= _LONGEST_BODY else {"left_out": len(event.body)}
    return json.dumps({"type": event.kind, "timestamp": at, "data": {"seq": event.seq, "run": event.run, "body": told}})


def _ready(transaction: Transaction, limit: int, *, only: str = "") -> list["Row[Any]"]:
    """Webhooks that something is due at, that do not rest, and that nobody sends to; whoever waits longest first."""
    from sqlalchemy import exists

    from runner.store.schema import webhooks

    now, table = transaction.now, _deliveries()
    due = exists().where(table.c.hook == webhooks.c.id, table.c.state == "pending", table.c.due <= now)
    free = (webhooks.c.disabled.is_(None), webhooks.c.rests <= now, webhooks.c.lease <= now)
    query = webhooks.select().where(*free, due).order_by(webhooks.c.lease, webhooks.c.id).limit(limit)
    return list(transaction.connection.execute(query.where(webhooks.c.id == only) if only else query))


def _take(transaction: Transaction, hook: "Row[Any]") -> Claimed:
    from runner.store.schema import webhooks

    now, table, ticket = transaction.now, _deliveries(), uuid4().hex
    pending = (table.c.hook == hook.id, table.c.state == "pending", table.c.due <= now)
    row = transaction.connection.execute(table.select().where(*pending).order_by(table.c.number).limit(1)).one()
    transaction.connection.execute(webhooks.update().where(webhooks.c.id == hook.id).values(holder=ticket, lease=now + LEASE))
    overlaps = hook.earlier and hook.rotated is not None and now < hook.rotated + OVERLAP
    secrets = (hook.secret, hook.earlier) if overlaps else (hook.secret,)
    return Claimed(ticket, hook.id, hook.url, secrets, int(row.number), row.id, row.body, int(row.attempts))


def _end(connection: "Connection", claimed: Claimed, now: float, sent: Sent, state: str = "delivered") -> None:
    table = _deliveries()
    told = {"status": sent.status, "problem": cut(storable(sent.problem), _LONGEST_PROBLEM), "attempts": claimed.attempts + 1}
    connection.execute(table.update().where(table.c.number == claimed.number).values(state=state, ended=now, **told))


def _write_down(transaction: Transaction, claimed: Claimed, sent: Sent, jitter: float) -> float:
    """An attempt that failed: when the next is, if there is one; until when the webhook rests."""
    connection, now, table = transaction.connection, transaction.now, _deliveries()
    said = Sent(sent.status, sent.problem or f"it answered {sent.status}")
    if sent.status == _GONE or claimed.attempts >= len(DELAYS):
        _end(connection, claimed, now, said, "failed")
        return now + _REST
    delay = DELAYS[claimed.attempts] * (1 - _SHARE + 2 * _SHARE * jitter)
    told = {"status": said.status, "problem": cut(storable(said.problem), _LONGEST_PROBLEM), "attempts": claimed.attempts + 1}
    connection.execute(table.update().where(table.c.number == claimed.number).values(due=now + delay, **told))
    return now + min(delay, _REST)


def _disable(transaction: Transaction, hook: str, why: str) -> None:
    """Send nothing there any more; what was on its way has failed."""
    from runner.store.schema import webhooks

    connection, now, table = transaction.connection, transaction.now, _deliveries()
    connection.execute(webhooks.update().where(webhooks.c.id == hook).values(disabled=now, reason=why))
    ended = {"state": "failed", "ended": now, "problem": f"the webhook is disabled: {why}"}
    connection.execute(table.update().where(table.c.hook == hook, table.c.state == "pending").values(**ended))
    transaction.audit(DISABLED, hook, {"reason": why})
