"""Two trees as plain dictionaries, judged by a layer as if git had told them apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha1
from typing import Any

import pytest

from runner.model.change import Change, FileChange, Status
from runner.model.result import Result
from runner.model.text import shown
from runner.ports import TreeEntry

Files = Mapping[str, str | bytes]


class DictTrees:
    """Trees that are dictionaries of paths; real answers to what a layer may ask."""

    def __init__(self, **trees: Files) -> None:
        self._trees = {name: {path: _bytes(content) for path, content in files.items()} for name, files in trees.items()}

    def read(self, tree: str, path: str) -> bytes | None:
        return self._trees[tree].get(path)

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        wanted = set(ids)
        return {_blob(content): content for files in self._trees.values() for content in files.values() if _blob(content) in wanted}

    def listing(self, tree: str, directory: str = "") -> tuple[TreeEntry, ...]:
        front = f"{directory}/" if directory else ""
        below = [path.removeprefix(front) for path in self._trees[tree] if path.startswith(front)]
        modes = {name.partition("/")[0]: "040000" if "/" in name else "100644" for name in below}
        return tuple(TreeEntry(mode, "", name.encode(errors="surrogateescape")) for name, mode in modes.items())

    def diff(self, old: str, new: str) -> tuple[FileChange, ...]:
        return tuple(self._changes(self._trees[old], self._trees[new]))

    def _changes(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[FileChange]:
        for path in sorted(old.keys() | new.keys()):
            before, after = old.get(path), new.get(path)
            if before == after:
                continue
            status = Status.ADDED if before is None else Status.DELETED if after is None else Status.MODIFIED
            yield FileChange(
                name=(name := path.encode(errors="surrogateescape")),
                path=shown(name),
                status=status,
                old_mode="000000" if before is None else "100644",
                new_mode="000000" if after is None else "100644",
                old_blob="" if before is None else _blob(before),
                new_blob="" if after is None else _blob(after),
                old_size=len(before or b""),
                new_size=len(after or b""),
                binary=b"\0" in (after or b""),
            )


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _blob(content: bytes) -> str:
    return sha1(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def judged() -> Callable[..., Result]:
    """`judged(layer, base, patched, **options)`: the layer's answer to the change from one dictionary of files to the other."""

    def judge(layer: Any, base: Files, patched: Files, **options: Any) -> Result:
        trees = DictTrees(base=base, patched=patched)
        change = Change(
            base_commit="c",
            base_tree="base",
            tree="patched",
            patch_id="p",
            source="-",
            kind="diff",
            base_label="main",
            files=trees.diff("base", "patched"),
        )
        result: Result = layer.judge(change, trees, layer.Options(**options))
        return result

    return judge
