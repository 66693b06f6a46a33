"""Which database the environment names, and how to speak of it without its password."""

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from runner.errors import UsageError

VARIABLE: Final = "SEATRIAL_DATABASE"
HIDDEN: Final = "***"
_HINT: Final = f"{VARIABLE} is postgresql://USER:PASSWORD@HOST:PORT/NAME, with special characters of the password as %XX; unset it for the SQLite file."
_WORD = r"(?:[^%:/?#@\[\]\s]|%[0-9A-Fa-f]{2})"
_NAME = r"(?:[^%:/?#@\[\]\s,]|%[0-9A-Fa-f]{2})"
_HOST = rf"(?:{_NAME}*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?"
_URL: Final = re.compile(
    rf"postgres(?:ql)?(?:\+psycopg)?://(?:(?P<user>{_WORD}*)(?::(?P<password>(?:{_WORD}|:)*))?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?:/(?P<name>{_NAME}*))?(?:\?(?P<query>[A-Za-z_]+=[^@#?\s]*))?"
)
"""Stricter than libpq, which takes what stands behind a stray `@`, `/` or `#` of a password for a host and then prints it."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}(?=:)")
_SECRET: Final = ("password", "sslpassword", "sslkey", "passfile")


class Address(NamedTuple):
    """A Postgres database: `conninfo` is for libpq alone, `name` for people, `digest` tells it from other databases."""

    conninfo: str
    name: str
    digest: str
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Address({self.name!r})"

    def scrubbed(self, text: str) -> str:
        """`text` without the password, in whatever spelling it stands there."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def address(env: Mapping[str, str] | None = None) -> Address | None:
    """The Postgres database that SEATRIAL_DATABASE names, `None` for the SQLite file; raises UsageError for any other value."""
    env = os.environ if env is None else env
    given = env.get(VARIABLE, "").strip()
    if not given:
        return None
    found = _URL.fullmatch(given)
    if found is None:
        raise UsageError(_why_not(given), hint=_HINT)
    query = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    user = query.get("user") or unquote(found["user"] or "") or env.get("PGUSER", "")
    hosts = query.get("host") or unquote(found["hosts"]) or env.get("PGHOST", "")
    port = query.get("port") or env.get("PGPORT", "5432")
    name = query.get("dbname") or unquote(found["name"] or "") or env.get("PGDATABASE", "") or user
    place = "\0".join((hosts, port, name, query.get("service") or env.get("PGSERVICE", "")))
    return Address(
        conninfo=given.replace("+psycopg", "", 1) if given.startswith("postgresql+psycopg:") else given,
        name=f"postgresql://{user}{'@' if user else ''}{hosts}/{name}",
        digest=sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12],
        secrets=_secrets(found["password"] or "", query),
    )


def scrubbed(text: str, env: Mapping[str, str] | None = None) -> str:
    """`text` without the value of SEATRIAL_DATABASE and without its password, for whatever is printed or written down."""
    given = (os.environ if env is None else env).get(VARIABLE, "").strip()
    if not given:
        return text
    try:
        found = address(env)
    except UsageError:
        return text.replace(given, HIDDEN)
    return found.scrubbed(text.replace(given, found.name)) if found else text


def _secrets(password: str, query: Mapping[str, str]) -> tuple[str, ...]:
    """Every spelling of what must not be told, the longest first."""
    told = {password, unquote(password), *(query.get(name, "") for name in _SECRET)}
    return tuple(sorted(told - {""}, key=lambda secret: (-len(secret), secret)))


def _why_not(given: str) -> str:
    """What is wrong with a value that may hold a password anywhere."""
    scheme = _SCHEME.match(given)
    if scheme and scheme[0].startswith("sqlite"):
        return f"{VARIABLE} names an SQLite database: the SQLite file is always the one in the state folder"
    if scheme and scheme[0] not in ("postgres", "postgresql", "postgresql+psycopg"):
        return f"{VARIABLE} names a database of the kind '{scheme[0]}': only postgresql is known"
    return f"{VARIABLE} is not a URL of a Postgres database"
