"""Addresses of services as a policy writes them: a host and a port, or a URL."""

from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, WithJsonSchema

_LAST_PORT: Final = 65535
_LONGEST_HOST: Final = 253
_PORTS: Final = {"http": 80, "https": 443}
_EXAMPLE: Final = "http://127.0.0.1:8000/health"


def endpoint(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8000`, `db.example:5432` or `[::1]:8000`; raises ValueError."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    sound = host.isascii() and host.isprintable() and not set(host) & set(" /@[]\\") and (bracketed or ":" not in host)
    if not colon or not host or len(host) > _LONGEST_HOST or not sound:
        raise ValueError(f"'{text}' is not a host and a port; write it like 127.0.0.1:8000")
    if not (port.isascii() and port.isdigit() and len(port) <= len(str(_LAST_PORT)) and 0 < int(port) <= _LAST_PORT):
        raise ValueError(f"'{text}': a port is a number from 1 to {_LAST_PORT}")
    return host, int(port)


def address(url: str) -> tuple[SplitResult, str, int]:
    """The parts of a URL, its host and its port; raises ValueError for one that is not asked."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError(f"'{url}' has characters that a URL writes as %..; write it like {_EXAMPLE}")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"'{url}' is neither http nor https; write it like {_EXAMPLE}")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError(f"'{url}': a user, a password or a fragment cannot be given")
    has_port = ":" in parts.netloc.rpartition("]")[2]
    host, port = endpoint(parts.netloc if has_port else f"{parts.netloc}:{_PORTS[parts.scheme]}")
    return parts, host, port


def _endpoint(text: str) -> str:
    endpoint(text)
    return text


def _url(text: str) -> str:
    address(text)
    return text


Endpoint = Annotated[str, AfterValidator(_endpoint), WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8000"]})]
"""Kept as it is written."""
Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": "^https?://", "examples": [_EXAMPLE]})]
"""Kept as it is written."""
