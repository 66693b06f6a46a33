"""Reads a stream of server-sent events, whatever is in it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from runner.errors import InfrastructureError

LONGEST: Final = 2**20
"""Bytes of one event."""


class Event(NamedTuple):
    """One event; its texts are hostile."""

    seq: int
    kind: str
    run: str
    body: dict[str, Any]


def events(pieces: Iterable[bytes]) -> Iterator[Event | None]:
    """The events of a stream; `None` for whatever else arrives, a sign that it lives. Raises InfrastructureError for an event without an end."""
    rest, data = b"", b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r")
            if text.startswith(b"data:"):
                data += text.removeprefix(b"data:").removeprefix(b" ")
            elif not text and data:
                yield _event(data)
                data = b""
        if len(rest) + len(data) > LONGEST:
            raise InfrastructureError(f"the server sent an event of more than {LONGEST} bytes")
        yield None


def _event(data: bytes) -> Event | None:
    """An event of ours; what a newer server may send besides is none."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    seq, kind, run, body = (told.get(name) for name in ("seq", "kind", "run", "body"))
    if isinstance(seq, int) and isinstance(kind, str) and isinstance(run, str) and isinstance(body, dict):
        return Event(seq, kind, run, body)
    return None
