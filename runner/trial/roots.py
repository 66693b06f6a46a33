"""Where a project keeps its importable code, for projects that are not installed in the image."""

import ast
import configparser
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from runner.ports import Trees

_FOLDER = "040000"
NOT_IMPORTED = ("setup", "conftest", "noxfile", "tasks", "fabfile")
NOT_PACKAGES = ("tests", "test", "docs", "doc", "examples", "build", "dist", "scripts", "tools", "benchmarks")


def import_roots(trees: Trees, tree: str) -> tuple[str, ...]:
    """Folders that hold the project's packages, relative to the root of `tree`, which itself is not listed.

    `src` counts when it holds packages or modules and is no package itself; other folders count when the build
    configuration names them. Configuration that cannot be read names nothing.
    """
    named = [root for root in _declared(trees, tree) if _is_usable(root)]
    candidates = ["src", *named]
    found = [root for root in dict.fromkeys(candidates) if _holds_code(trees, tree, root)]
    return tuple(found)


def own_modules(trees: Trees, tree: str, roots: Iterable[str]) -> tuple[str, ...]:
    """Top-level names that a tree's root and import roots offer for import; without tests, docs and build scripts."""
    names: set[str] = set()
    for folder in ("", *roots):
        for entry in trees.listing(tree, folder):
            path = PurePosixPath(entry.path.decode("utf-8", "replace"))
            package = entry.mode == _FOLDER and path.name not in NOT_PACKAGES and path.name.isidentifier()
            if package and trees.read(tree, f"{folder}/{path}/__init__.py".lstrip("/")) is not None:
                names.add(path.name)
            if path.suffix == ".py" and path.stem.isidentifier() and path.stem not in NOT_IMPORTED and entry.mode != _FOLDER:
                names.add(path.stem)
    return tuple(sorted(names))


def _is_usable(root: str) -> bool:
    path = PurePosixPath(root)
    return root not in ("", ".") and not path.is_absolute() and ".." not in path.parts and root.isprintable() and ":" not in root


def _holds_code(trees: Trees, tree: str, root: str) -> bool:
    entries = trees.listing(tree, root)
    if any(entry.path == b"__init__.py" for entry in entries):
        return False
    if any(entry.path.endswith(b".py") for entry in entries):
        return True
    folders = [entry.path.decode("utf-8", "replace") for entry in entries if entry.mode == _FOLDER]
    return any(inner.path.endswith(b".py") or inner.mode == _FOLDER for name in folders for inner in trees.listing(tree, f"{root}/{name}"))


def _declared(trees: Trees, tree: str) -> Iterator[str]:
    for name, read in (("pyproject.toml", _from_pyproject), ("setup.cfg", _from_setup_cfg), ("setup.py", _from_setup_py)):
        content = trees.read(tree, name)
        if content is None:
            continue
        try:
            found = list(read(content.decode()))
        except (ValueError, SyntaxError, RecursionError, MemoryError, configparser.Error):
            continue
        yield from (str(PurePosixPath(root)) for root in found if isinstance(root, str))


def _at(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _from_pyproject(text: str) -> Iterator[Any]:
    tool = _at(tomllib.loads(text), "tool")
    yield _at(tool, "setuptools", "package-dir", "")
    yield from _each(_at(tool, "setuptools", "packages", "find", "where"))
    yield from (_at(package, "from") for package in _each(_at(tool, "poetry", "packages")))
    yield from (_parent(package) for package in _each(_at(tool, "hatch", "build", "targets", "wheel", "packages")))
    yield from _each(_at(tool, "hatch", "build", "targets", "wheel", "sources"))
    yield from _each(_at(tool, "hatch", "build", "sources"))
    yield _at(tool, "pdm", "build", "package-dir")
    yield _at(tool, "maturin", "python-source")


def _parent(package: Any) -> str | None:
    return str(PurePosixPath(package).parent) if isinstance(package, str) else None


def _from_setup_cfg(text: str) -> Iterator[str]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    for line in (parser.get("options", "package_dir", fallback="") or "").splitlines():
        package, equals, folder = line.partition("=")
        if equals and not package.strip():
            yield folder.strip()
    yield from (parser.get("options.packages.find", "where", fallback="") or "").split()


def _from_setup_py(text: str) -> Iterator[Any]:
    """`package_dir={"": "lib"}` where it is written out; nothing of the file is run."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "package_dir" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "" and isinstance(value, ast.Constant):
                    yield value.value
