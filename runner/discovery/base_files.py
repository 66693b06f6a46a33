"""The files of a base tree that say how a project is built and tested, read as data and within bounds."""

import ast
import configparser
import re
import tomllib
from functools import cache
from pathlib import PurePosixPath
from typing import Any, cast

from runner.ports import TreeEntry, Trees
from runner.trial.roots import import_roots

LARGEST = 2**20
"""Bytes; a settings file over that is not read."""
_FOLDER = "040000"
_LINK = "120000"
_FAULTS = (ValueError, SyntaxError, RecursionError, MemoryError, configparser.Error)


class BaseFiles:
    """One base tree. A file that is absent, too large or broken says nothing; every file is read once."""

    def __init__(self, trees: Trees, tree: str) -> None:
        self._trees, self._tree = trees, tree
        # per instance, so that nothing of a tree outlives the question that was asked of it
        self.text = cache(self._text)
        self.toml = cache(self._toml)
        self.ini = cache(self._ini)
        self.python = cache(self._python)
        self.listing = cache(self._listing)

    def _text(self, path: str) -> str:
        content = self._trees.read(self._tree, path) if is_plain(path) else None
        return content.decode("utf-8-sig", "replace") if content is not None and len(content) <= LARGEST else ""

    def _toml(self, path: str) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text(path))
        except _FAULTS:
            return {}

    def _ini(self, path: str) -> dict[str, dict[str, str]]:
        return ini(self.text(path))

    def _python(self, path: str) -> ast.Module:
        try:
            return ast.parse(self.text(path))
        except _FAULTS:
            return ast.Module(body=[], type_ignores=[])

    def _listing(self, folder: str) -> tuple[TreeEntry, ...]:
        return tuple(
            entry for entry in self._trees.listing(self._tree, folder) if entry.path.isascii() and entry.path.decode().isprintable()
        )

    def exists(self, path: str) -> bool:
        """Whether there is a file or a link of this name."""
        return is_plain(path) and any(entry.mode != _FOLDER and entry.path == _name(path) for entry in self.listing(_parent(path)))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of this name."""
        return is_plain(path) and any(entry.mode == _FOLDER and entry.path == _name(path) for entry in self.listing(_parent(path)))

    def folders(self, folder: str = "") -> tuple[str, ...]:
        """Paths of the folders within one."""
        return tuple(_join(folder, entry) for entry in self.listing(folder) if entry.mode == _FOLDER)

    def files(self, folder: str = "") -> tuple[str, ...]:
        """Paths of the files within one folder, links left out."""
        return tuple(_join(folder, entry) for entry in self.listing(folder) if entry.mode not in (_FOLDER, _LINK))

    def below(self, folder: str) -> "BaseFiles":
        """The files of one folder, with paths that start there."""
        return BaseFiles(cast("Trees", _Below(self._trees, folder)), self._tree)

    @property
    def import_roots(self) -> tuple[str, ...]:
        """Folders that hold packages, without the root itself."""
        return import_roots(self._trees, self._tree)

    def contents(self, paths: tuple[str, ...]) -> dict[str, bytes]:
        """The contents of files, read in one go."""
        wanted = set(paths)
        entries = {
            path: e.blob
            for folder in dict.fromkeys(map(_parent, paths))
            for e in self.listing(folder)
            if (path := _join(folder, e)) in wanted
        }
        blobs = self._trees.blobs(dict.fromkeys(entries.values()))
        return {path: blobs[blob] for path, blob in entries.items() if blob in blobs}


class _Below:
    """As much of Trees as is needed here, for one folder of a tree."""

    def __init__(self, trees: Trees, folder: str) -> None:
        self._trees, self._folder = trees, folder
        self.blobs = trees.blobs

    def read(self, tree: str, path: str) -> bytes | None:
        return self._trees.read(tree, f"{self._folder}/{path}")

    def listing(self, tree: str, directory: str = "") -> tuple[TreeEntry, ...]:
        return self._trees.listing(tree, f"{self._folder}/{directory}".rstrip("/"))


def ini(text: str) -> dict[str, dict[str, str]]:
    """The sections of an INI text; none when it is broken."""
    parser = configparser.RawConfigParser(default_section="\0", strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except _FAULTS:
        return {}
    return {section: {key: value or "" for key, value in parser[section].items()} for section in parser.sections()}


def at(document: Any, *keys: str) -> Any:
    """The value under nested keys; `None` where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def table(value: Any) -> dict[str, Any]:
    """The value when it is a map, else an empty one."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list; a single text is a list of its words' lines."""
    if isinstance(value, str):
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def is_plain(path: str) -> bool:
    """Whether a path names something inside of the tree and nothing odd."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and path.isascii() and path.isprintable()


def normal(name: str) -> str:
    """The name of a distribution, extra or group as packaging tools compare it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _parent(path: str) -> str:
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def _name(path: str) -> bytes:
    return PurePosixPath(path).name.encode()


def _join(folder: str, entry: TreeEntry) -> str:
    name = entry.path.decode("utf-8", "replace")
    return f"{folder}/{name}" if folder else name
