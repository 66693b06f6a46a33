"""A change: base tree, patched tree, and what lies between them."""

from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from runner.model.value import Value

DEEPEST = 128
"""Components of the deepest path that can be written into a working copy."""


class Status(StrEnum):
    """What happened to a path; the letters are those of `git diff-tree`."""

    ADDED = "A"
    MODIFIED = "M"
    DELETED = "D"
    TYPE_CHANGED = "T"


class FileChange(Value):
    """One path of `git diff-tree --raw --no-renames`; sizes in bytes, `added` and `deleted` in lines (0 for binary files)."""

    name: bytes
    """The name as the tree has it."""
    path: str
    """The name for people, and for patterns: bytes that are not UTF-8 are written `\\xNN`. No two files of a change share it."""
    status: Status
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    old_size: int = 0
    new_size: int = 0
    added: int = 0
    deleted: int = 0
    binary: bool = False

    @property
    def utf8(self) -> bool:
        """Whether the name is valid UTF-8, so that `path` is that name exactly."""
        return self.path.encode() == self.name

    @property
    def spelling(self) -> str:
        """The name as trees are asked for it: bytes that are not UTF-8 as lone surrogates, so not for printing."""
        return self.name.decode("utf-8", "surrogateescape")

    @property
    def blobs(self) -> tuple[str, ...]:
        """The ids of what is a regular file, old before new; no link's, whose content is a path."""
        old = (self.old_blob,) if self.status is not Status.ADDED and self.old_mode.startswith("100") else ()
        new = (self.new_blob,) if self.status is not Status.DELETED and self.new_mode.startswith("100") else ()
        return old + new


class Change(Value):
    """What is judged. Two changes with the same trees are the same change, wherever they came from."""

    base_commit: str
    base_tree: str
    tree: str
    patch_id: str
    """`git patch-id --stable` of the change: without base and line numbers."""
    source: str
    """What was given, for people: a file or directory name, `-`, a revision or a range; `work tree` when nothing was."""
    kind: str
    """`diff`, `revision`, `range`, `work`, `overlay` or `edits`."""
    base_label: str
    """How the base is called for people, e.g. `main (1a2b3c4)`."""
    head_label: str = ""
    """How the other side is called, e.g. `feature (1a2b3c4)` or `feature + uncommitted work`; empty in records made before it was kept."""
    files: tuple[FileChange, ...] = ()

    @cached_property
    def id(self) -> str:
        """sha256 of base tree and patched tree."""
        return sha256(f"{self.base_tree}\0{self.tree}".encode()).hexdigest()

    @property
    def lines_added(self) -> int:
        """Over all files."""
        return sum(file.added for file in self.files)

    @property
    def lines_deleted(self) -> int:
        """Over all files."""
        return sum(file.deleted for file in self.files)
