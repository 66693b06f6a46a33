"""Path patterns of the policy: `*` and `?` stay within one folder, `**` crosses folders, and a name covers what is below it."""

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_EXAMPLE = 'e.g. "src/**", "**/conftest.py", "docs/*.md"'
_MOST_STARS = 8
"""Stars in one segment and `**` in one pattern; hostile names are matched against them."""


def checked(pattern: str) -> str:
    """The pattern, when it can mean only one thing; ValueError with an example otherwise."""
    segments = pattern.split("/")
    if not pattern or pattern == "/":
        raise ValueError(f"an empty pattern matches nothing; write it like {_EXAMPLE}")
    if not pattern.isprintable() or "\\" in pattern:
        raise ValueError(f"'{pattern!r}' holds a backslash or a control character; folders are separated by /")
    if pattern.startswith("!"):
        raise ValueError(f"'{pattern}': patterns cannot be negated; use allow, deny and hold")
    if "{" in pattern:
        raise ValueError(f"'{pattern}': braces are not alternatives here; write one pattern for each")
    if any(segment in (".", "..") or (not segment and 0 < number < len(segments) - 1) for number, segment in enumerate(segments)):
        raise ValueError(f"'{pattern}': patterns begin at the root of the repository and have no '.', '..' or '//'")
    for segment in segments:
        if "**" in segment and segment != "**":
            raise ValueError(f"'{pattern}': ** stands alone between slashes, {_EXAMPLE}")
        if segment.count("*") > _MOST_STARS or segments.count("**") > _MOST_STARS:
            raise ValueError(f"'{pattern}' has more than {_MOST_STARS} stars")
        if "[" in re.sub(r"\[!?\]?[^]]*\]", "", segment):
            raise ValueError(f"'{pattern}': the bracket [ is not closed")
    return pattern


Glob = Annotated[str, AfterValidator(checked), WithJsonSchema({"type": "string", "minLength": 1})]


def matches(pattern: str, path: str) -> bool:
    """Whether a path from the root, such as `src/a.py`, is meant by a pattern that `checked` let pass.

    A last segment without wildcards means the file or everything below the folder of that name; a trailing slash means only
    what is below.
    """
    segments, below, itself = _parsed(pattern)
    names = path.split("/")
    ends = _ends(segments, names)
    return (itself and len(names) in ends) or (below and any(end < len(names) for end in ends))


def first(patterns: Iterable[str], path: str) -> str | None:
    """The first pattern that means the path."""
    return next((pattern for pattern in patterns if matches(pattern, path)), None)


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> tuple[tuple[re.Pattern[str] | None, ...], bool, bool]:
    """Segments (`None` for `**`), whether what lies below a match is meant, and whether the match itself is."""
    names = pattern.strip("/").split("/")
    segments = tuple(None if name == "**" else re.compile(fnmatch.translate(name)) for name in names)
    folder = pattern.endswith("/")
    return segments, folder or not set(names[-1]) & set("*?["), not folder


def _ends(segments: tuple[re.Pattern[str] | None, ...], names: list[str]) -> set[int]:
    """After how many names the pattern may have been used up; each name moves a set of places in the pattern on."""
    ends, last = set(), len(segments)
    reached = _without_names(segments, {0})
    for count, name in enumerate(names, start=1):
        moved: set[int] = set()
        for at in reached - {last}:
            segment = segments[at]
            if segment is None:
                moved |= {at, at + 1} if at + 1 == last else {at}
            elif segment.match(name):
                moved.add(at + 1)
        reached = _without_names(segments, moved)
        if last in moved:
            ends.add(count)
    return ends


def _without_names(segments: tuple[re.Pattern[str] | None, ...], reached: set[int]) -> set[int]:
    """Also the places after a `**` that stands for no folder at all; the last `**` stands for at least one name."""
    closed = set(reached)
    for at, segment in enumerate(segments[:-1]):
        if segment is None and at in closed:
            closed.add(at + 1)
    return closed
