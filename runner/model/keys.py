"""What gates count by, as the key of a log: bounded, ASCII, and readable again."""

import json
from hashlib import sha256
from typing import Final

MOST: Final = 390
"""Characters of a key; the store keeps names of 400 bytes as they are."""
_BEGINNING: Final = 24
_DIGITS: Final = 48
"""Hexadecimal digits of a part's digest: four such parts just fit, and 192 bits are beyond any search for two alike."""


def key_of(*parts: str) -> str:
    """The key that these parts (four of any length at most, or more short ones) make; only equal parts make equal keys, whatever text they are.

    While the key is too long, its longest part gives way to its beginning and its sha256 (48 digits), in a form that no text can have.
    """
    written = [json.dumps(part) for part in parts]
    while sum(map(len, written)) + len(written) + 1 > MOST and any(part[0] == '"' for part in written):
        longest = max((part for part in written if part[0] == '"'), key=len)
        written[written.index(longest)] = _digest(json.loads(longest))
    return f"[{','.join(written)}]"


def parts_of(key: str) -> tuple[str, ...]:
    """The parts again, for people: what was too long for a key ends in `…` and the beginning of its sha256."""
    return tuple(part if isinstance(part, str) else f"{part['begins']}…{part['sha256'][:8]}" for part in json.loads(key))


def _digest(part: str) -> str:
    begins = part[:_BEGINNING]
    while len(json.dumps(begins)) > _BEGINNING:
        begins = begins[:-1]
    digest = sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return json.dumps({"begins": begins, "sha256": digest}, separators=(",", ":"))
