"""The two sides of a change, made into a Change once both trees are known."""

import os
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from runner.changes.caps import Caps
from runner.errors import ChangeRefused
from runner.git.objects import PrivateObjects
from runner.model.change import Change, FileChange
from runner.model.text import printable, shown


class Base(NamedTuple):
    """The commit a change starts from, and how people call it."""

    commit: str
    label: str


def base_of(objects: PrivateObjects, revision: str | None) -> Base:
    """The base that was named, or what is checked out; raises UsageError when there is none."""
    commit = objects.resolve(revision or "HEAD")
    name = objects.repository.branch if revision in (None, "HEAD") else revision
    return Base(commit, label(str(name), commit))


def label(name: str, commit: str) -> str:
    """`main (1a2b3c4)`; only the short id when the name is an id itself."""
    return commit[:7] if commit.startswith(name) else f"{spelled(name.removeprefix('refs/heads/'))} ({commit[:7]})"


def head_label(objects: PrivateObjects, revision: str, commit: str) -> str:
    """How the far side is called when it is a commit; what is checked out by its branch."""
    return label(objects.repository.branch if revision == "HEAD" else revision, commit)


def spelled(given: str) -> str:
    """What was typed, fit for a record: the bytes of a file name that are not UTF-8 spelled out."""
    return shown(os.fsencode(given))


def change_of(objects: PrivateObjects, base: Base, tree: str, *, kind: str, source: str, head: str, caps: Caps) -> Change:
    """The change from a base to a tree that people call `head`; raises ChangeRefused when it is empty or larger than the caps."""
    base_tree = objects.tree_of(base.commit)
    pairs = len(objects.raw_diff(base_tree, tree)) if tree != base_tree else 0
    if not pairs:
        raise ChangeRefused(f"the change is empty: nothing differs from {base.label}", hint="Is it applied there already?")
    if pairs > caps.max_files:
        raise ChangeRefused(
            f"the change touches {pairs} files; at most {caps.max_files} are taken",
            hint="Split it, or raise `validate.intake.max_files` in the policy.",
        )
    files = objects.diff(base_tree, tree)
    _check_names(files)
    diff = objects.patch(base_tree, tree) if kind == "diff" else objects.patch(base_tree, tree, caps.max_patch)
    return Change(
        base_commit=base.commit,
        base_tree=base_tree,
        tree=tree,
        patch_id=objects.patch_id(diff),
        source=spelled(source),
        kind=kind,
        base_label=base.label,
        head_label=spelled(head),
        files=files,
    )


def _check_names(files: Iterable[FileChange]) -> None:
    """What follows tells files by their `path`, so a name that spells out another's odd bytes must not pass for it."""
    path, count = Counter(file.path for file in files).most_common(1)[0]
    if count > 1:
        raise ChangeRefused(
            f"the change has two files that both read as '{printable(path)}': one name is not UTF-8, the other spells its bytes out",
            hint="Rename one of them.",
        )
