"""A change that is being worked on: this branch and what is not committed yet, staged, unstaged or untracked."""

import os
import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple

from runner.changes.caps import HARDEST, Caps
from runner.changes.folder import EXECUTABLE, FILE, LINK, Content, Folder
from runner.changes.sides import Base, base_of, change_of, label, spelled
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.git.trees import GITLINK, Entry
from runner.git.worktree import Tracked, WorkTree
from runner.model.change import Change
from runner.model.text import printable, shown
from runner.model.units import show_size

_CANDIDATES = ("refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master", "refs/remotes/origin/main", "refs/remotes/origin/master")
_HINT_IGNORE = "Name what does not belong to the change in .gitignore."


class Chosen(NamedTuple):
    """The base that work is compared with, and a sentence on why it is that one."""

    base: Base
    reason: str


def from_work(*, objects: PrivateObjects, base: str | None, caps: Caps, note: Callable[[str], None]) -> Change:
    """The change from the base to what is in the work tree, ignored files apart; the index and the files are only read.

    Raises UsageError when there is nothing to judge, no work tree, or a merge in the middle.
    """
    chosen = base_of_work(objects, base)
    note(chosen.reason)
    base_tree = objects.tree_of(chosen.base.commit)
    tree = _tree(objects, base_tree, caps, note)
    branch, head = objects.repository.branch, objects.resolve("HEAD")
    if tree == base_tree:
        raise UsageError(
            f"nothing to judge: '{branch}' and its work tree do not differ from {chosen.base.label}",
            hint="Change something, name a CHANGE (a branch, A..B, a diff), or another base with --base.",
        )
    called = label(branch, head) if tree == objects.tree_of(head) else f"{branch} + uncommitted work"
    return change_of(objects, chosen.base, tree, kind="work", source="work tree", head=called, caps=caps)


def base_of_work(objects: PrivateObjects, base: str | None) -> Chosen:
    """Where this branch left `base`; without one, its upstream, origin's HEAD, or main or master; else what is checked out."""
    repository = objects.repository
    _ = repository.work_tree  # says so when there is none
    head = objects.resolve("HEAD")
    if base is not None:
        return _fork(objects, head, base, base, "named by --base")
    if upstream := repository.upstream:
        name = upstream.removeprefix("refs/remotes/").removeprefix("refs/heads/")
        if repository.refs(upstream):
            return _fork(objects, head, upstream, name, f"the upstream of {repository.branch}")
    for ref, name in repository.refs(*_CANDIDATES).items():
        if ref != repository.head_ref and repository.merge_base(objects.resolve(ref), head):
            return _fork(objects, head, ref, name, f"{repository.branch} has no upstream")
    reason = f"{repository.branch} has no upstream, and there is no other branch main or master: only uncommitted work is judged"
    return Chosen(base_of(objects, None), reason)


def _fork(objects: PrivateObjects, head: str, revision: str, name: str, why: str) -> Chosen:
    common = objects.repository.merge_base(objects.resolve(revision), head)
    if common is None:
        raise UsageError(
            f"what is checked out has no commit in common with {name} ({why})",
            hint="Name a base with --base (in a shallow clone, fetch more).",
        )
    branch = objects.repository.branch if name == "HEAD" else spelled(name)
    return Chosen(Base(common, label(branch, common)), f"compared with where it left {branch} ({why}), at {common[:7]}")


def _tree(objects: PrivateObjects, base_tree: str, caps: Caps, note: Callable[[str], None]) -> str:
    work = objects.repository.work_tree
    changes = work.staged(base_tree)
    untracked = _untracked(work.untracked(), caps, note)
    with Folder(work.root) as folder:
        reading = _Reading(objects, work, folder, note)
        added = {name: entry for name in untracked if (entry := reading.untracked(name))}
        for known in work.tracked():
            now = reading.tracked(known)
            if now != known.entry:
                changes[known.name] = now
    return objects.rewrite(base_tree, changes | added)


def _untracked(names: Iterable[bytes], caps: Caps, note: Callable[[str], None]) -> list[bytes]:
    kept = []
    for name in names:
        if name.endswith(b"/"):
            note(f"'{_said(name)}' is a repository of its own; it was left out")
        else:
            kept.append(name)
    if len(kept) > caps.max_files:
        raise ChangeRefused(f"there are {len(kept)} untracked files; a change of at most {caps.max_files} is taken", hint=_HINT_IGNORE)
    return kept


class _Reading:
    """Reads what git has not seen equal, within one budget of bytes."""

    def __init__(self, objects: PrivateObjects, work: WorkTree, folder: Folder, note: Callable[[str], None]) -> None:
        self._objects, self._work, self._folder, self._note = objects, work, folder, note
        self._left = HARDEST

    def tracked(self, known: Tracked) -> Entry | None:
        """What a tracked path is now; `None` when it is gone."""
        if known.entry.mode == GITLINK:
            return self._submodule(known)
        now = self._folder.look(known.name)
        if known.sparse if now is None else known.pinned and not known.sparse:
            return known.entry
        if now is None or stat.S_ISDIR(now.st_mode):
            return None
        if stat.S_ISREG(now.st_mode) or stat.S_ISLNK(now.st_mode):
            return self._seen(known, now)
        self._note(f"'{_said(known.name)}' is neither a file nor a link any more; it counts as deleted")
        return None

    def _seen(self, known: Tracked, now: os.stat_result) -> Entry | None:
        """What a file or link is, read only when it may have changed."""
        if self._unchanged(known, now.st_mode) and self._work.unchanged(known, now):
            return known.entry
        if now.st_size > self._left:
            return self._huge(known, now.st_size, now.st_mode)
        return self._entry(known.name, known.entry)

    def untracked(self, name: bytes) -> Entry | None:
        """What an untracked path is; `None` when it is gone again, or nothing that git records."""
        now = self._folder.look(name)
        if now is not None and now.st_size > self._left and stat.S_ISREG(now.st_mode):
            raise self._too_large(name, now.st_size)
        return self._entry(name, None)

    def _entry(self, name: bytes, known: Entry | None) -> Entry | None:
        found = self._folder.read(name)
        if found is None:
            return None
        mode = self._mode(found, known)
        blob = self._objects.blob_id((found.data,), len(found.data))
        if known is not None and blob == known.id:
            return Entry(mode, blob)
        if len(found.data) > self._left:
            raise self._too_large(name, len(found.data))
        self._left -= len(found.data)
        self._tell_line_ends(name, found, known)
        return Entry(mode, self._objects.write_blob(found.data))

    def _mode(self, found: Content, known: Entry | None) -> str:
        if found.mode == LINK:
            return LINK
        if known is not None and known.mode == LINK and not self._work.links_count:
            return LINK
        if self._work.modes_count:
            return found.mode
        return known.mode if known is not None and known.mode in (FILE, EXECUTABLE) else FILE

    def _unchanged(self, known: Tracked, mode: int) -> bool:
        """Whether kind and executable bit are still those of the index."""
        if stat.S_ISLNK(mode):
            return known.entry.mode == LINK
        if known.entry.mode == LINK:
            return not self._work.links_count
        executable = EXECUTABLE if mode & stat.S_IXUSR else FILE
        return not self._work.modes_count or known.entry.mode == executable

    def _huge(self, known: Tracked, size: int, mode: int) -> Entry:
        """A file too large to hold: as it was, or refused."""
        if self._objects.blob_id(self._folder.pieces(known.name), size) != known.entry.id or not self._unchanged(known, mode):
            raise self._too_large(known.name, size)
        return known.entry

    def _submodule(self, known: Tracked) -> Entry:
        if self._folder.look(known.name + b"/.git") is not None:
            self._note(f"the submodule '{_said(known.name)}' is taken as it is staged; what is checked out in it was not looked at")
        return known.entry

    def _tell_line_ends(self, name: bytes, found: Content, known: Entry | None) -> None:
        """The bytes are taken as they stand, whatever conversion is configured; where that changes every line, say so."""
        if known is None or b"\r\n" not in found.data or found.mode == LINK:
            return
        if self._objects.blob_id((unix := found.data.replace(b"\r\n", b"\n"),), len(unix)) == known.id:
            self._note(f"'{_said(name)}' differs only by its Windows line endings; it was taken as it is on disk")

    def _too_large(self, name: bytes, size: int) -> ChangeRefused:
        return ChangeRefused(
            f"'{_said(name)}' is {show_size(size)}; the changed files may hold {show_size(HARDEST)} together", hint=_HINT_IGNORE
        )


def _said(name: bytes) -> str:
    return printable(shown(name))
