"""Names that other people chose, as keys that every database takes: bounded, and without characters that one of them refuses."""

from hashlib import sha256

MOST = 400
"""Bytes of a name that are kept as they are: an index of Postgres takes less than 3 kB for all its columns."""
_SEEN = 120


def storable(name: str) -> str:
    """`name` itself where it can be a key; else its beginning and a digest of all of it. What this gives stays as it is."""
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= MOST and "\0" not in name and _is_text(name):
        return name
    seen = encoded[:_SEEN].decode("utf-8", "replace").replace("\0", "\ufffd")
    return f"{seen}~{sha256(encoded).hexdigest()}"


def _is_text(name: str) -> bool:
    """Whether it has no lone surrogates, which spell bytes of paths that are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
