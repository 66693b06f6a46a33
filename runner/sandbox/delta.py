"""What lies between a snapshot and the tree of a job: a small overlay layer, and a sample to recognise the result by."""

import itertools
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from runner.errors import ChangeRefused
from runner.ports import TreeEntry, Trees
from runner.sandbox.snapshots import MODIFIED, contents
from runner.sandbox.treewriter import EXECUTABLE, GITLINK, LINK, Owner, TreeWriter, UnsafePath

_DIRECTORY = "040000"
_CHANGED_SAMPLES, _BASE_SAMPLES = 8, 4

Difference = tuple[TreeEntry | None, TreeEntry | None]
Sample = tuple[str, str, str]
"""Path inside the working copy, what it must be, and the blob id of its content."""


def differences(base: str, tree: str, trees: Trees) -> tuple[Difference, ...]:
    """Old and new entry of every path that differs."""
    return () if base == tree else trees.raw_diff(base, tree)


def write_layer(root: Path, changed: Iterable[Difference], tree: str, trees: Trees, owner: Owner) -> tuple[bytes, ...]:
    """Write new and changed files to `root`, and a whiteout for every path that is gone; the paths hidden so.

    Changed files get a modification time of their own, lest bytecode of the base pass for theirs.
    Raises ChangeRefused for unsafe names, OSError.
    """
    changed = tuple(changed)
    new = sorted((entry for _, entry in changed if entry is not None), key=lambda entry: entry.path)
    gone = [old.path for old, entry in changed if old is not None and entry is None]
    whiteouts = tuple(sorted(hidden(gone, tree, trees)))
    try:
        with TreeWriter(root, owner, MODIFIED + 60) as writer:
            for entry, content in contents(new, trees):
                writer.entry(entry.mode, entry.path, content)
            for path in whiteouts:
                writer.whiteout(path)
    except (UnsafePath, FileExistsError, NotADirectoryError) as problem:
        raise ChangeRefused(f"The change holds a path that cannot be written safely: {problem}.") from problem
    return whiteouts


def hidden(gone: Iterable[bytes], tree: str, trees: Trees) -> set[bytes]:
    """For each path that is gone the topmost directory that went with it, else the path itself.

    Nothing for a path whose place was taken: a file hides the directory below, a directory the file.
    """

    @cache
    def modes(directory: bytes) -> dict[bytes, str]:
        return {entry.path: entry.mode for entry in trees.listing(tree, directory.decode())}

    def topmost(path: bytes) -> bytes | None:
        parts = path.split(b"/")
        is_submodule = False
        for depth, name in enumerate(parts):
            above = b"/".join(parts[:depth])
            try:
                mode = None if is_submodule else modes(above).get(name)
            except UnicodeDecodeError:  # a listing is asked for by text: hide the file alone
                return path
            if mode is None:
                return b"/".join(parts[: depth + 1])
            is_submodule = mode == GITLINK
            if mode not in (_DIRECTORY, GITLINK):
                return None
        return None

    return {found for found in map(topmost, gone) if found is not None}


def sample(changed: Iterable[Difference], whiteouts: Iterable[bytes], tree: str, trees: Trees) -> tuple[Sample, ...]:
    """A few paths by which the launcher inside recognises that the working copy is `tree`."""
    new = (entry for _, entry in changed if entry is not None)
    written = (_recognised(entry) for entry in itertools.islice(new, _CHANGED_SAMPLES))
    gone = ((_text(path), "absent", "") for path in itertools.islice(whiteouts, _CHANGED_SAMPLES))
    return (*written, *gone, *_of_base(tree, trees))


def _of_base(tree: str, trees: Trees) -> Iterator[Sample]:
    files = (entry for entry in trees.listing(tree) if entry.mode not in (_DIRECTORY, GITLINK))
    return (_recognised(entry) for entry in itertools.islice(files, _BASE_SAMPLES))


def _recognised(entry: TreeEntry) -> Sample:
    kind = {LINK: "link", GITLINK: "directory", EXECUTABLE: "executable"}.get(entry.mode, "file")
    return (_text(entry.path), kind, entry.blob)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
