"""The tests' part of configuration files that serve other purposes as well."""

import configparser
import tomllib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from runner.ports import Trees


def _toml_part(content: bytes) -> Any:
    tool = tomllib.loads(content.decode()).get("tool", {})
    return {name: tool.get(name) for name in ("pytest", "coverage")}


def _ini_part(content: bytes) -> Any:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(content.decode())
    return {name: dict(parser[name]) for name in parser.sections() if name in ("pytest", "tool:pytest") or name.startswith("coverage")}


_PARTS: dict[str, Callable[[bytes], Any]] = {"pyproject.toml": _toml_part, "setup.cfg": _ini_part, "tox.ini": _ini_part}


def changes_tests(trees: Trees, base_tree: str, tree: str, path: str) -> bool:
    """Whether the tests' part of a shared configuration file differs between two trees; True when it cannot be read."""
    part = _PARTS[PurePosixPath(path).name]
    try:
        return bool(part(trees.read(base_tree, path) or b"") != part(trees.read(tree, path) or b""))
    except (ValueError, configparser.Error):
        return True
