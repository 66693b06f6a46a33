"""Examples in docstrings that a suite runs as tests: they lie in source files, so a change of them is looked at by itself."""

import re
from collections.abc import Iterable

from runner.model.result import Finding, Outcome, Result
from runner.ports import Trees

CHECK = "examples"
_BLOCK = re.compile(rb"""^[ \t]*>>>[^\n]*(?:\n(?![^\n]*(?:\"{3}|'{3}))[ \t]*[^\s][^\n]*)*""", re.MULTILINE)
"""An example, up to an empty line or the end of its docstring."""


def blocks(content: bytes) -> frozenset[bytes]:
    """Every example with what it is expected to print, each line without its indentation."""
    return frozenset(b"\n".join(line.strip() for line in block.split(b"\n")) for block in _BLOCK.findall(content))


def judge(trees: Trees, base_tree: str, tree: str, paths: Iterable[str]) -> Result:
    """Whether the examples of the base still stand in the changed source files that the base's suite collects; else hold."""
    lost = []
    for path in paths:
        before, after = (trees.read(side, path) or b"" for side in (base_tree, tree))
        if gone := len(blocks(before) - blocks(after)):
            lost.append(
                Finding(path=path, rule="examples.edited", message=f"{gone} examples that the base runs as tests are edited or gone")
            )
    if lost:
        reason = f"{lost[0].path} edits examples that the base's suite runs as tests: a person must compare"
        return Result(check=CHECK, outcome=Outcome.HOLD, reason=reason, measured=len(lost), limit=0, findings=tuple(lost))
    return Result(check=CHECK, outcome=Outcome.PASS, reason="no example that the base's suite runs is edited")
