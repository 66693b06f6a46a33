"""The validation layers: each reads the change and runs nothing of it. One line here registers a layer."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from runner.model.change import Change
    from runner.model.result import Result
    from runner.model.value import Value
    from runner.ports import Trees

REGISTERED = (
    "intake",
    "paths",
    "syntax",
)
"""The layers in the order in which they are asked, by module of this package; cheap ones first."""


class Layer(Protocol):
    """What the module of a layer offers: its name, the keys of its policy section, and its judgement."""

    name: str
    Options: "type[Value]"

    def judge(self, change: "Change", trees: "Trees", options: "Value") -> "Result":
        """The layer's answer."""


@cache
def layers() -> tuple[Layer, ...]:
    """The registered layers; imported when they are first asked for."""
    return tuple(cast("Layer", import_module(f"{__name__}.{name}")) for name in REGISTERED)
