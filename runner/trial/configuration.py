"""The tests' part of configuration files that serve other purposes as well."""

import json
from pathlib import PurePosixPath
from typing import Any

from runner.parsing import Parse, Source, parse
from runner.ports import Trees

_LARGEST = 2**20
_KINDS = {"pyproject.toml": "toml-data", "setup.cfg": "ini-data", "tox.ini": "ini-data"}


def changes_tests(trees: Trees, base_tree: str, tree: str, path: str) -> bool:
    """Whether the tests' part of a shared configuration file differs between two trees; True when that cannot be told.

    The change's side is hostile: it is parsed in a child process with limits.
    """
    kind = _KINDS[PurePosixPath(path).name]
    contents = [trees.read(side, path) or b"" for side in (base_tree, tree)]
    if any(len(content) > _LARGEST for content in contents):
        return True
    before, after = (_part(kind, parsed) for parsed in parse([Source(kind, content) for content in contents]))
    return before is None or after is None or before != after


def _part(kind: str, parsed: Parse) -> dict[str, Any] | None:
    """What configures tests, or `None` when the file cannot be read."""
    if parsed.state != "fine":
        return None
    content = json.loads(parsed.data)
    if kind == "toml-data":
        tool = content.get("tool")
        return {name: tool.get(name) for name in ("pytest", "coverage")} if isinstance(tool, dict) else {"pytest": None, "coverage": None}
    return {name: section for name, section in content.items() if name in ("pytest", "tool:pytest") or name.startswith("coverage")}
