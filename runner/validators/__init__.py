"""The validation layers: each reads the change and runs nothing of it. One line here registers a layer."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from runner.ports import Validator

REGISTERED = (
    "intake",
    "paths",
    "syntax",
    "static",
    "supply",
)
"""The layers in the order in which they answer, by module of this package; cheap ones first."""


@cache
def layers() -> "tuple[Validator, ...]":
    """The registered layers; imported when they are first asked for."""
    return tuple(cast("Validator", import_module(f"{__name__}.{name}")) for name in REGISTERED)
