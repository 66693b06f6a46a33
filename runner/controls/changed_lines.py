"""Which lines of a changed file hold statements of functions that the change wrote; read without running anything."""

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from runner.parsing import Source, parse

_INSIDE = Path(__file__).parent / "inside"
_MOST = 10_000
"""Lines of a file beyond which all of its statements count as changed: comparing them could take minutes."""


def changed_lines(pairs: Iterable[tuple[bytes | None, bytes | None]]) -> list[Mapping[int, str]]:
    """For each pair of base and patched content, the functions' names by the changed lines of the patched one that begin a statement.

    Content that cannot be parsed has none. It is hostile, and read in a child with limits.
    """
    sides = list(pairs)
    answers = parse([Source("statements:read", patched or b"") for _, patched in sides], _INSIDE)
    found: list[Mapping[int, str]] = []
    for (base, patched), answer in zip(sides, answers, strict=True):
        rows = json.loads(answer.data) if answer.state == "fine" else []
        same = _same(base or b"", patched or b"")
        found.append({line: name for line, name in rows if line - 1 not in same})
    return found


def _same(base: bytes, patched: bytes) -> frozenset[int]:
    """Places of the patched text's lines that the base has as well, in the same order."""
    old, new = base.splitlines(), patched.splitlines()
    if max(len(old), len(new)) > _MOST:
        return frozenset()
    blocks = difflib.SequenceMatcher(None, old, new).get_matching_blocks()
    return frozenset(line for block in blocks for line in range(block.b, block.b + block.size))
