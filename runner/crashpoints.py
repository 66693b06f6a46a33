"""The named places where this program may die: what recovery must be able to start from, and where the fault tests make it die.

A marker does nothing unless a test has put a function into `hook`; no setting, variable or file can arm one.
"""

from collections.abc import Callable
from typing import Final

MARKERS: Final[tuple[str, ...]] = ()
"""Every marker, in the order of the line; a test finds each of them in the code once, and sees each of them reached."""

hook: Callable[[str], None] | None = None


def crashpoint(name: str) -> None:
    """Here this program may die, or the operation around it fail."""
    if hook is not None:
        hook(name)
