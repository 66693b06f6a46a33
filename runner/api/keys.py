"""Requests that may be sent twice: with the same key the first answer comes again, and nothing is done twice."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from threading import Event, Thread
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Header, Response
from fastapi.responses import JSONResponse

from runner.api.problems import Problem
from runner.errors import StoreUnavailable
from runner.store import replies
from runner.store.tokens import Token
from runner.wiring.serving import Service

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, description="Chosen by the client, new for each thing it wants."),
]
REPLAYED: Final = {"Idempotent-Replayed": "true"}


class Answer(NamedTuple):
    """What was done, to be kept and sent."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = {}

    def response(self) -> Response:
        """The same as a response."""
        return JSONResponse(self.body, self.status, self.headers)


def required(key: str | None) -> str:
    """The key of a request that changes something. Raises Problem where it has none."""
    if key is None:
        raise Problem(400, "key-missing", "this changes something, and needs the header Idempotency-Key")
    return key


def used() -> Problem:
    """What to say where a key stands for something else."""
    return Problem(422, "key-used", "this Idempotency-Key was used for another request")


def once(service: Service, token: Token, key: str | None, asked: tuple[object, ...], do: Callable[[], Answer]) -> Response:
    """Do it, or give the answer that was given to the same request with the same key.

    Raises Problem: 400 without a key, 409 while the first is being done, 422 where the key was used for something else.
    """
    key = required(key)
    digest = sha256(repr(asked).encode()).hexdigest()
    earlier = service.replies.begin(token.id, key, digest)
    if earlier is None:
        return _done(service, token, key, do)
    if earlier.asked != digest:
        raise used()
    if earlier.status is None:
        raise Problem(409, "in-progress", "the first request with this Idempotency-Key is being done", retry_after=1)
    kept = json.loads(earlier.body)
    return Answer(earlier.status, kept["body"], {**kept["headers"], **REPLAYED}).response()


def _done(service: Service, token: Token, key: str, do: Callable[[], Answer]) -> Response:
    try:
        with _heard(service, token, key):
            answer = do()
    except BaseException:
        service.replies.give_up(token.id, key)
        raise
    service.replies.end(token.id, key, answer.status, json.dumps({"body": answer.body, "headers": answer.headers}))
    return answer.response()


@contextmanager
def _heard(service: Service, token: Token, key: str) -> Iterator[None]:
    """Let those who ask again know that it is being done, however long that takes."""
    done = Event()

    def tell() -> None:
        while not done.wait(replies.OFTEN):
            with suppress(StoreUnavailable):
                service.replies.go_on(token.id, key)

    telling = Thread(target=tell, name="seatrial-being-done", daemon=True)
    telling.start()
    try:
        yield
    finally:
        done.set()
        telling.join()
