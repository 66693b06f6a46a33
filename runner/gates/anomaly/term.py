"""One thing that an exact rule found in a change."""

from typing import NamedTuple


class Term(NamedTuple):
    """`rule` is the field of `options.Actions` that says what follows; `message` may hold hostile text."""

    rule: str
    path: str
    message: str
    line: int | None = None
    weight: int = 0
    """Points that it adds to the risk beside those of its rule."""
