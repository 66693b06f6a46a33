"""The audit log as a chain: rows that are only appended, each sealed by a hash over itself and the hash of the one before."""

import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.store.checkpoints import Checkpoint
from runner.store.names import storable

if TYPE_CHECKING:
    from sqlalchemy import Connection

COLUMNS: Final = ("seq", "at", "host", "kind", "subject", "body", "previous", "hash")
FIRST: Final = "0" * 64
"""What the first entry has in the place of a hash before it."""
_FORMAT: Final = "seatrial.audit/v1"
_CHUNK = 500


class Flaw(NamedTuple):
    """The first entry of the log that is not as it was written, and what is wrong there."""

    seq: int
    what: str


class Verified(NamedTuple):
    """What a look at the whole log found: entries read up to the flaw, checkpoints compared, the last good entry."""

    entries: int
    checkpoints: int
    newest: Checkpoint | None
    flaw: Flaw | None


def seal(seq: int, at: float, host: str, kind: str, subject: str, body: str, previous: str) -> str:
    """The sha256 of an entry: over a JSON array of ASCII that no two different entries share."""
    return sha256(json.dumps([_FORMAT, seq, at, host, kind, subject, body, previous], separators=(",", ":")).encode()).hexdigest()


def canonical(body: Mapping[str, Any]) -> str:
    """The JSON of a body that only its content decides; raises ValueError for a number that JSON does not have."""
    return json.dumps(dict(body), sort_keys=True, separators=(",", ":"), allow_nan=False)


def append(connection: "Connection", at: float, kind: str, subject: str, body: Mapping[str, Any]) -> Checkpoint:
    """Write the next entry; the caller holds the write lock, so that nobody else can take the same number."""
    from sqlalchemy import insert

    from runner.store.schema import audit

    newest = head(connection)
    seq, previous = (newest.seq + 1, newest.hash) if newest else (1, FIRST)
    named = {"host": storable(socket.gethostname()), "kind": storable(kind), "subject": storable(subject), "body": canonical(body)}
    sealed = seal(seq, at, **named, previous=previous)
    connection.execute(insert(audit).values(seq=seq, at=at, **named, previous=previous, hash=sealed))
    return Checkpoint(seq, at, sealed)


def head(connection: "Connection") -> Checkpoint | None:
    """The newest entry as a checkpoint; `None` for an empty log."""
    from sqlalchemy import select

    from runner.store.schema import audit

    row = connection.execute(select(audit.c.seq, audit.c.at, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    return None if row is None else Checkpoint(row.seq, row.at if isinstance(row.at, float) else 0.0, str(row.hash))


def absent(known: Iterable[Checkpoint]) -> Verified:
    """What there is to say where nothing was ever recorded, or where all of it is gone."""
    return Verified(0, 0, None, _missing(0, _by_number(known)))


def verify(connection: "Connection", known: Iterable[Checkpoint]) -> Verified:
    """Look at every entry in order, and at every checkpoint of `known`, which must be older than the connection's view."""
    expected = _by_number(known)
    if not _is_there(connection):
        return Verified(0, 0, None, Flaw(1, "the table of the audit log is gone"))
    entries, compared, last = 0, 0, None
    for row in _rows(connection):
        if flaw := _flaw(row, last) or _contradicted(row, expected.get(row[0], ())):
            return Verified(entries, compared, last, flaw)
        compared += len(expected.pop(row[0], ()))
        entries, last = entries + 1, Checkpoint(row[0], row[1], row[7])
    return Verified(entries, compared, last, _missing(entries, expected) or _unseen(connection, entries))


def _by_number(known: Iterable[Checkpoint]) -> dict[int, set[str]]:
    expected: dict[int, set[str]] = {}
    for checkpoint in known:
        expected.setdefault(checkpoint.seq, set()).add(checkpoint.hash)
    return expected


def _flaw(row: tuple[Any, ...], last: Checkpoint | None) -> Flaw | None:
    """What is wrong with an entry by itself, or with the step from the one before."""
    seq, at, *texts = row
    due, previous = (last.seq + 1, last.hash) if last else (1, FIRST)
    if seq != due:
        return Flaw(due, f"entry {due} is missing: entry {seq} comes in its place")
    if not isinstance(at, float) or not all(isinstance(text, str) for text in texts):
        return Flaw(seq, f"entry {seq} was edited: it holds values that no entry has")
    host, kind, subject, body, before, sealed = texts
    if seal(seq, at, host, kind, subject, body, before) != sealed:
        return Flaw(seq, f"entry {seq} was edited, or stands in the place of another: its hash is not that of its content")
    if before != previous:
        return Flaw(seq, f"entry {seq} does not follow the one before it: that one was edited and stamped anew, or this one was put in")
    return None


def _contradicted(row: tuple[Any, ...], hashes: Iterable[str]) -> Flaw | None:
    if all(known == row[7] for known in hashes):
        return None
    return Flaw(row[0], f"entry {row[0]} is another than the one that a checkpoint knows: the log was stamped anew from here or before")


def _missing(entries: int, expected: Mapping[int, set[str]]) -> Flaw | None:
    if not expected:
        return None
    return Flaw(entries + 1, f"entry {entries + 1} is missing: the log ends before it, and a checkpoint knows entry {max(expected)}")


def _is_there(connection: "Connection") -> bool:
    from sqlalchemy import inspect

    from runner.store.schema import audit

    return inspect(connection).has_table(audit.name)


def _unseen(connection: "Connection", entries: int) -> Flaw | None:
    """Rows beside the chain: with the key taken away, a row can have the number of another, or none, and stand between two chunks."""
    from sqlalchemy import func, select

    from runner.store.schema import audit

    more = int(connection.execute(select(func.count()).select_from(audit)).scalar_one()) - entries
    return Flaw(entries + 1, f"the log has {more} rows more than numbers: they were put in") if more else None


def _rows(connection: "Connection") -> Iterator[tuple[Any, ...]]:
    """Every row as it is stored, in bounded memory: edited ones may hold anything."""
    from sqlalchemy import literal_column, select

    from runner.store.schema import audit

    raw: Any = select(*(literal_column(name) for name in COLUMNS)).select_from(audit).order_by(audit.c.seq)
    rows = _chunk(connection, raw, _CHUNK)
    while rows:
        yield from rows
        rows = _chunk(connection, raw.where(audit.c.seq > rows[-1][0]), _CHUNK)


def _chunk(connection: "Connection", query: Any, size: int) -> list[tuple[Any, ...]]:
    """The first rows of a query; one with text that is none comes by itself, and with nothing but its number."""
    from sqlalchemy.exc import OperationalError

    try:
        return [tuple(row) for row in connection.execute(query.limit(size))]
    except OperationalError as problem:
        if "decode" not in str(problem):
            raise
    if size > 1:
        return _chunk(connection, query, size // 2)
    number = connection.execute(query.with_only_columns(query.selected_columns[0]).limit(1)).scalar_one()
    return [(number, *(None for _ in COLUMNS[1:]))]
