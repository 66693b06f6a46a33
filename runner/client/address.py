"""Where a server is: what `--server` and SEATRIAL_SERVER name."""

from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from runner.errors import UsageError
from runner.model.text import printable

VARIABLE: Final = "SEATRIAL_SERVER"
_HINT: Final = "Give http://HOST:PORT, https://HOST or unix:PATH."
_LONGEST: Final = 2000


class Address(NamedTuple):
    """A server: `name` as it was given, `url` without a slash at its end; `socket` is the path of a Unix socket, else empty."""

    name: str
    url: str
    socket: str = ""

    @property
    def local(self) -> bool:
        """Whether only this machine can be meant: no proxy leads there."""
        host = urlsplit(self.url).hostname or ""
        try:
            return bool(self.socket) or host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def open(self) -> bool:
        """Whether a token goes over a network unencrypted."""
        return not self.local and self.url.startswith("http:")


def parse(given: str) -> Address:
    """The address that was given. Raises UsageError for what names no server, or holds a password."""
    said = printable(given[:_LONGEST])
    if given.startswith("unix:"):
        if not (path := given.removeprefix("unix:")) or "\0" in path:
            raise UsageError(f"'{said}' names no socket", hint=_HINT)
        return Address(said, "http://localhost", path)
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError as problem:
        raise UsageError("the server's address cannot be understood", hint=_HINT) from problem
    if parts.username is not None or parts.password is not None:
        raise UsageError("a server's address holds no name or password", hint="The token goes into SEATRIAL_TOKEN or SEATRIAL_TOKEN_FILE.")
    if parts.scheme not in ("http", "https") or not parts.hostname or len(given) > _LONGEST or not _plain(given):
        raise UsageError(f"'{said}' is no address of a server", hint=_HINT)
    if parts.query or parts.fragment:
        raise UsageError(f"'{said}' has more than the address of a server", hint=_HINT)
    url = given.rstrip("/")
    return Address(url, url)


def _plain(given: str) -> bool:
    return given.isascii() and given.isprintable() and " " not in given
