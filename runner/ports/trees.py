"""Git trees, and the history behind them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from runner.model.change import FileChange
from runner.model.history import Past


class TreeEntry(NamedTuple):
    """One line of `git ls-tree`: light, since a tree may have 100 000 of them."""

    mode: str
    blob: str
    path: bytes


class Trees(Protocol):
    """Git trees and blobs in a private object store; the user's repository is only read.

    A path given as text spells bytes that are not UTF-8 as lone surrogates (`FileChange.spelling`).
    """

    def read(self, tree: str, path: str) -> bytes | None:
        """Content of a file or symlink of a tree; `None` when there is none."""

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Contents by blob id, in one process."""

    def listing(self, tree: str, directory: str = "") -> tuple[TreeEntry, ...]:
        """The entries of one directory, not recursive; mode `040000` for directories; paths are names within it."""

    def entries(self, tree: str) -> Iterator[TreeEntry]:
        """Every file, symlink and gitlink of a tree, recursive; paths from its root."""

    def diff(self, old: str, new: str) -> tuple[FileChange, ...]:
        """What `git diff-tree -r --raw --no-renames` says, with sizes and line counts."""

    def raw_diff(self, old: str, new: str) -> tuple[tuple[TreeEntry | None, TreeEntry | None], ...]:
        """Old and new entry of every path that differs; `None` where the path is absent on that side."""

    def with_paths(self, tree: str, paths: Iterable[bytes], source: str) -> str:
        """The id of `tree` with each of `paths` as it is in `source`, absent where `source` has none."""

    def with_files(self, tree: str, files: Mapping[str, bytes]) -> str:
        """The id of `tree` with other content in each of these regular files, which it has; modes stay."""


class History(Protocol):
    """The commits behind a base, in numbers."""

    def past(self, commit: str, paths: Iterable[bytes], most: int) -> Past:
        """What the last `most` commits up to `commit` say, and what they say of each of these paths; empty where there is no history.

        Raises InfrastructureError when git cannot be started.
        """
