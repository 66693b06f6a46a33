"""Patterns for what the token of a CI system says of itself: they mean all of a value, never a part of it."""

from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, WithJsonSchema

LONGEST: Final = 1000
"""Characters of a value that is looked at."""
_LONGEST_PATTERN: Final = 300
_MOST_ITEMS: Final = 100


def _checked(pattern: str) -> str:
    if not pattern or len(pattern) > _LONGEST_PATTERN or not pattern.isprintable():
        raise ValueError(f"a pattern has 1 to {_LONGEST_PATTERN} printable characters")
    if "***" in pattern:
        raise ValueError(f"'{pattern}': write * for what has no slash, ** for anything")
    return pattern


Pattern = Annotated[str, AfterValidator(_checked), WithJsonSchema({"type": "string", "examples": ["acme/app", "refs/heads/*"]})]
"""`*` stands for any characters but `/`, `**` for any at all, `?` for one that is not `/`; all else for itself."""


def matches(pattern: str, value: str) -> bool:
    """Whether a pattern means the whole value; takes time in proportion to both."""
    if len(value) > LONGEST:
        return False
    parts = _parts(pattern)
    places = _skipped(parts, {0})
    for char in value:
        moved = {at if parts[at] in ("*", "**") else at + 1 for at in places if at < len(parts) and _takes(parts[at], char)}
        places = _skipped(parts, moved)
        if not places:
            return False
    return len(parts) in places


def fits(pattern: str, claim: Any) -> bool:
    """Whether a claim is, or where it is a list has, a value that the pattern means."""
    if isinstance(claim, list):
        return any(fits(pattern, item) for item in claim[:_MOST_ITEMS] if not isinstance(item, list))
    text = text_of(claim)
    return text is not None and matches(pattern, text)


def text_of(claim: Any) -> str | None:
    """A claim as text; `None` where it is neither a text nor a number nor yes or no."""
    if isinstance(claim, bool):
        return "true" if claim else "false"
    return str(claim) if isinstance(claim, (str, int)) else None


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[str, ...]:
    """The pattern, each star or double star as one part."""
    parts: list[str] = []
    for char in pattern:
        if char == "*" and parts and parts[-1] == "*":
            parts[-1] = "**"
        else:
            parts.append(char)
    return tuple(parts)


def _takes(part: str, char: str) -> bool:
    return part == "**" or (part in ("*", "?") and char != "/") or (part == char and part not in ("*", "?"))


def _skipped(parts: tuple[str, ...], places: set[int]) -> set[int]:
    """Also the places behind stars, which may stand for nothing."""
    found = set(places)
    for at in sorted(places):
        end = at
        while end < len(parts) and parts[end] in ("*", "**"):
            end += 1
            found.add(end)
    return found
