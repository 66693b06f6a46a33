"""Answers to requests that carry a key: whoever asks again with the same key gets the first answer, and nothing is done twice."""

from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from runner.store.database import PATIENCE, Database
from runner.store.places import claim

KEPT: Final = 86400.0
"""Seconds for which an answer is kept."""
_ABANDONED: Final = 60.0
"""Seconds after which a request without an answer, of which nothing was heard, is taken for one whose server died."""
OFTEN: Final = 15.0
"""Seconds between two signs that a request is still being done."""


class Reply(NamedTuple):
    """What a key stands for: what was asked with it first, and the answer; `status` is `None` while it is being done."""

    asked: str
    status: int | None
    body: str


class SqlReplies:
    """Replies in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    def begin(self, token: str, key: str, asked: str) -> Reply | None:
        """Take a key for what is asked now; or what it stands for already."""
        from sqlalchemy import delete, insert

        from runner.store.schema import replies

        claim(self._state)
        name = _name(token, key)
        with self._database.writing() as transaction:
            connection, now = transaction.connection, transaction.now
            row = connection.execute(replies.select().where(replies.c.key == name)).first()
            if row is not None and row.at > now - (KEPT if row.status is not None else _ABANDONED):
                return Reply(row.asked, row.status, row.body)
            connection.execute(delete(replies).where(replies.c.key == name))
            connection.execute(insert(replies).values(key=name, asked=asked, at=now, status=None, body=""))
        return None

    def go_on(self, token: str, key: str) -> None:
        """A sign that the request is still being done."""
        from sqlalchemy import update

        from runner.store.schema import replies

        with self._database.writing() as transaction:
            here = (replies.c.key == _name(token, key), replies.c.status.is_(None))
            transaction.connection.execute(update(replies).where(*here).values(at=transaction.now))

    def end(self, token: str, key: str, status: int, body: str) -> None:
        """Keep the answer."""
        from sqlalchemy import update

        from runner.store.schema import replies

        with self._database.writing() as transaction:
            here = replies.c.key == _name(token, key)
            transaction.connection.execute(update(replies).where(here).values(status=status, body=body, at=transaction.now))

    def give_up(self, token: str, key: str) -> None:
        """Let a key be free again: nothing was done."""
        from sqlalchemy import delete

        from runner.store.schema import replies

        with self._database.writing() as transaction:
            transaction.connection.execute(delete(replies).where(replies.c.key == _name(token, key), replies.c.status.is_(None)))

    def prune(self) -> None:
        """Remove those that are too old."""
        from sqlalchemy import delete

        from runner.store.schema import replies

        with self._database.writing() as transaction:
            transaction.connection.execute(delete(replies).where(replies.c.at < transaction.now - KEPT))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _name(token: str, key: str) -> str:
    return sha256(f"{token}\0{key}".encode()).hexdigest()
