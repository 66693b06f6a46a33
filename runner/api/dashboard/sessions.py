"""Who is signed in: kept in this process alone, by random names that only their browsers know."""

import secrets
import time
from collections.abc import Callable
from threading import Lock
from typing import Final, NamedTuple

LONGEST: Final = 8 * 3600.0
"""Seconds after which a session ends in any case."""
IDLE: Final = 3600.0
"""Seconds without anything that a person did, after which it ends."""
MOST: Final = 1000
"""Sessions at once; beyond them the one that was used longest ago ends."""
STREAMS: Final = 4
"""Pages of one session that are told of events at once: a browser has six connections to a server, and needs the rest to load pages."""
_BYTES: Final = 32


class Said(NamedTuple):
    """What the next page is to say first."""

    text: str
    failed: bool = False


class Session:
    """One browser that signed in with a token; the token itself is not kept."""

    def __init__(self, token: str, now: float) -> None:
        self.name = secrets.token_urlsafe(_BYTES)
        """What the cookie says."""
        self.token = token
        """The id of the token."""
        self.secret = secrets.token_urlsafe(_BYTES)
        """What each form has to bring, so that no other site can send one."""
        self.begun = self.used = now
        self._said: Said | None = None
        self._streams: list[object] = []

    def say(self, text: str, *, failed: bool = False) -> None:
        """Let the next page say this."""
        self._said = Said(text, failed)

    def said(self) -> Said | None:
        """What this page is to say, once."""
        said, self._said = self._said, None
        return said

    def open_stream(self) -> object:
        """A sign for one more page that listens; too many, and the one that has listened longest is to stop."""
        stream = object()
        self._streams = [*self._streams, stream][-STREAMS:]
        return stream

    def listens(self, stream: object) -> bool:
        """Whether a page may go on listening."""
        return stream in self._streams

    def close_stream(self, stream: object) -> None:
        """The page listens no more."""
        self._streams = [one for one in self._streams if one is not stream]


class Sessions:
    """The sessions of this process; any thread may call it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._all: dict[str, Session] = {}

    def begin(self, token: str) -> Session:
        """A new session for whoever has shown that token."""
        session = Session(token, self._clock())
        with self._lock:
            self._all[session.name] = session
            while len(self._all) > MOST:
                self._all.pop(min(self._all.values(), key=lambda one: one.used).name)
        return session

    def find(self, name: str, *, used: bool) -> Session | None:
        """The session that a cookie names, while it lasts; `used` says that a person did something, and not a page by itself."""
        now = self._clock()
        with self._lock:
            session = self._all.get(name)
            if session is None:
                return None
            if now - session.begun >= LONGEST or now - session.used >= IDLE:
                del self._all[name]
                return None
            if used:
                session.used = now
            return session

    def end(self, session: Session) -> None:
        """Sign out."""
        with self._lock:
            self._all.pop(session.name, None)
