"""One validation layer."""

from typing import Any, Protocol

from runner.model.change import Change
from runner.model.result import Result
from runner.model.value import Value
from runner.ports.trees import Trees


class Validator(Protocol):
    """One validation layer: reads trees, runs nothing; a module is one when it offers these."""

    name: str
    Options: type[Value]
    """The keys of its section of the policy."""

    def judge(self, change: Change, trees: Trees, options: Any) -> Result:
        """The layer's answer; findings are only what the base does not have already."""
