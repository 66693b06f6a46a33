"""Git trees in memory: a real implementation of the Trees port, for tests."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from runner.model.change import FileChange
from runner.ports import TreeEntry

Content = bytes | tuple[str, bytes]


class MemoryTrees:
    """Trees made of `{path: content}` or `{path: (mode, content)}`."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._trees: dict[str, dict[bytes, TreeEntry]] = {}

    def add(self, files: Mapping[str | bytes, Content]) -> str:
        """The id of a new tree."""
        entries: dict[bytes, TreeEntry] = {}
        for name, given in files.items():
            path = name.encode() if isinstance(name, str) else name
            mode, content = ("100644", given) if isinstance(given, bytes) else given
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self._blobs[blob] = content
            entries[path] = TreeEntry(mode, blob, path)
        tree = hashlib.sha1(repr(sorted(entries.items())).encode()).hexdigest()
        self._trees[tree] = entries
        return tree

    def read(self, tree: str, path: str) -> bytes | None:
        entry = self._trees[tree].get(path.encode())
        return None if entry is None else self._blobs[entry.blob]

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        return {blob: self._blobs[blob] for blob in ids}

    def listing(self, tree: str, directory: str = "") -> tuple[TreeEntry, ...]:
        prefix = f"{directory}/".encode() if directory else b""
        found: dict[bytes, TreeEntry] = {}
        for path, entry in sorted(self._trees[tree].items()):
            if path.startswith(prefix):
                name, slash, _ = path[len(prefix) :].partition(b"/")
                found.setdefault(name, TreeEntry("040000", "0" * 40, name) if slash else TreeEntry(entry.mode, entry.blob, name))
        return tuple(found.values())

    def entries(self, tree: str) -> Iterator[TreeEntry]:
        return iter(sorted(self._trees[tree].values(), key=lambda entry: entry.path))

    def diff(self, old: str, new: str) -> tuple[FileChange, ...]:
        raise NotImplementedError

    def raw_diff(self, old: str, new: str) -> tuple[tuple[TreeEntry | None, TreeEntry | None], ...]:
        before, after = self._trees[old], self._trees[new]
        paths = sorted(before.keys() | after.keys())
        return tuple((before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path))

    def with_paths(self, tree: str, paths: Iterable[bytes], source: str) -> str:
        raise NotImplementedError
