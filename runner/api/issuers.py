"""The keys of those who sign tokens of CI systems: read from a file or a web server, kept for a while, and few."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from runner.model.configuration import Identity
from runner.model.text import printable
from runner.probes.fetch import MOST_BODY, Answer, fetch

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
"""How a token may be signed: by a key that only its issuer has, never by one that whoever checks it has as well."""
_KINDS: Final = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_MOST_KEYS: Final = 50
_LEAST_BITS: Final = 2048
_SECONDS: Final = 5.0
"""What asking an issuer for its keys may take."""
OLD: Final = 3600.0
"""Seconds after which keys are asked for again."""
TOO_OLD: Final = 86400.0
"""Seconds after which keys are good for nothing, where they cannot be had again."""
PAUSE: Final = 60.0
"""Seconds between two times that an issuer is asked, however many unknown keys are named meanwhile."""
_OK: Final = 200


class NoKeys(Exception):
    """The keys of an issuer cannot be had now."""


class Key(NamedTuple):
    """A public key and the one way in which it signs."""

    name: str
    algorithm: str
    key: "PyJWK"


class Keys:
    """The keys of one issuer; any thread may ask."""

    def __init__(self, identity: Identity, clock: Callable[[], float] = time.monotonic) -> None:
        self._identity, self._clock = identity, clock
        self._keys: tuple[Key, ...] = ()
        self._read = self._asked = float("-inf")
        self._lock = Lock()

    def find(self, name: str | None) -> Key | None:
        """The key that a token names; where it names none, the only one. Raises NoKeys."""
        with self._lock:
            found = self._known(name)
            if found is None or self._clock() - self._read > OLD:
                self._refresh()
                found = self._known(name)
            if self._clock() - self._read > TOO_OLD:
                raise NoKeys(f"the keys of {printable(self._identity.issuer)} cannot be had")
            return found

    def _known(self, name: str | None) -> Key | None:
        if name is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.name == name), None)

    def _refresh(self) -> None:
        """Ask for the keys, unless that was done a moment ago; those that are known stay where it fails."""
        if self._clock() - self._asked < PAUSE:
            return
        self._asked = self._clock()
        try:
            self._keys = _keys_in(self._content())
        except (OSError, ValueError, RecursionError):
            return
        self._read = self._clock()

    def _content(self) -> bytes:
        """Raises OSError, ValueError."""
        if self._identity.jwks_file:
            with Path(self._identity.jwks_file).open("rb") as file:
                content = file.read(MOST_BODY + 1)
            if len(content) > MOST_BODY:
                raise ValueError("too large")
            return content
        return _fetched(self._identity.jwks_url, self._clock)


def _fetched(url: str, clock: Callable[[], float]) -> bytes:
    from http.client import HTTPException

    from runner.probes.connect import Unresolved
    from runner.probes.fetch import TooLarge

    until = time.monotonic() + _SECONDS
    try:
        answer: Answer = fetch(url, lambda: until - time.monotonic(), clock)
    except (HTTPException, Unresolved, TooLarge) as problem:
        raise ValueError(f"{urlsplit(url).netloc} gave no keys") from problem
    if answer.status != _OK or not answer.whole:
        raise ValueError(f"{urlsplit(url).netloc} gave no keys")
    return answer.body


def _keys_in(content: bytes) -> tuple[Key, ...]:
    """The keys of a JSON Web Key Set that can check a signature; all others are passed over. Raises ValueError."""
    told = json.loads(content)
    listed = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError("no list of keys, or a long one")
    return tuple(key for each in listed if (key := _key(each)) is not None)


def _key(told: Any) -> Key | None:
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    kind = told.get("kty") if isinstance(told, dict) and "d" not in told else None
    if kind not in _KINDS or told.get("use", "sig") != "sig" or told.get("crv") != _CURVES.get(kind):
        return None
    algorithm, name = _KINDS[kind], told.get("kid", "")
    if told.get("alg", algorithm) != algorithm or not isinstance(name, str):
        return None
    try:
        found = PyJWK(told, algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    if kind == "RSA" and found.key.key_size < _LEAST_BITS:
        return None
    return Key(name, algorithm, found)
