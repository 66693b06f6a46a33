"""Where a list goes on: opaque to clients, so that what is in it may change."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from runner.api.problems import Problem

_LONGEST = 18


def write(number: int) -> str:
    """The cursor after the row of that number."""
    return urlsafe_b64encode(f"n{number}".encode()).decode().rstrip("=")


def read(text: str) -> int:
    """The number of the row. Raises Problem for what is no cursor of ours."""
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (Error, ValueError):
        found = ""
    if not found.startswith("n") or not found[1:].isdigit() or len(found) > _LONGEST:
        raise Problem(422, "cursor-unknown", "`after` is no cursor that this server gave")
    return int(found[1:])
