"""What somebody may have meant by a name that stands for nothing."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

_MOST: Final = 20
_ALIKE: Final = 0.6


def choices(name: str, known: Collection[str], there: str = "there are") -> str:
    """The nearest of the names that there are, and no more than twenty of them: the rest of a sentence. `there` says what they are."""
    every = sorted(known)
    if not every:
        return f"{there} none"
    more = f" and {len(every) - _MOST} more" if len(every) > _MOST else ""
    near = get_close_matches(name[:100], every, 1, _ALIKE)
    told = f"{there}: {', '.join(every[:_MOST])}{more}"
    return f"did you mean '{near[0]}'? {told[0].upper()}{told[1:]}" if near else told
