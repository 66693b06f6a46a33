"""A change from a directory of files that are laid over the base: they are added or replaced, nothing is deleted."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.changes.caps import HARDEST, Caps
from runner.changes.folder import Folder
from runner.changes.lay import fault_of, lay, said
from runner.changes.sides import Base, base_of, change_of
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.git.trees import DIRECTORY, Entry
from runner.model.change import Change
from runner.model.text import printable
from runner.model.units import show_size

_MOST_SEEN = 100_000
"""Files and directories that are looked at, most of which may be as the base has them."""
_MOST_READ = 2**30


def from_overlay(
    folder: Path, *, objects: PrivateObjects, base: str | None, caps: Caps, note: Callable[[str], None], sure: bool = False
) -> Change:
    """The change that the files below `folder` make of the base; modes and links as they are on disk.

    A checkout, or a directory that is part of the repository, is refused as a likely mistake unless the caller is `sure`.
    """
    start = base_of(objects, base)
    if not sure:
        _check_meant(folder, objects, start)
    with Folder(folder) as opened:
        written, seen = _Laying(objects, opened, start, caps, note).entries()
    if not seen:
        raise ChangeRefused(f"the directory '{printable(str(folder))}' has no files in it")
    tree = lay(objects, start, (), written)
    head = f"{folder} ({seen} file{'' if seen == 1 else 's'})"
    return change_of(objects, start, tree, kind="overlay", source=str(folder), head=head, caps=caps)


def _check_meant(folder: Path, objects: PrivateObjects, base: Base) -> None:
    hint = (
        "For uncommitted work, give no CHANGE (--repo names the repository); to lay these files over the base all the same: --as overlay."
    )
    name = printable(str(folder))
    if (folder / ".git").exists():
        raise UsageError(f"'{name}' is a checkout of its own (it has a .git), not a directory of changed files", hint=hint)
    try:
        within = folder.resolve().relative_to(objects.repository.work_tree.root.resolve())
    except (UsageError, ValueError, OSError):  # no work tree, or not inside of it
        return
    there = objects.find(objects.tree_of(base.commit), b"" if within == Path() else bytes(within))
    if there is not None and there.mode == DIRECTORY:
        raise UsageError(f"'{name}' is part of the repository itself; its files would be laid over the top", hint=hint)


class _Laying:
    """Walks the directory and records what differs from the base, within a budget of bytes."""

    def __init__(self, objects: PrivateObjects, folder: Folder, base: Base, caps: Caps, note: Callable[[str], None]) -> None:
        self._objects, self._folder, self._caps, self._note = objects, folder, caps, note
        self._tree = objects.tree_of(base.commit)
        self._left, self._unread = HARDEST, _MOST_READ

    def entries(self) -> tuple[dict[bytes, Entry], int]:
        """What differs, by name, and how many files there are; raises ChangeRefused."""
        written: dict[bytes, Entry] = {}
        seen = 0
        for name, size in self._files():
            seen += 1
            entry = self._entry(name, size)
            if entry is not None:
                written[name] = entry
            if len(written) > self._caps.max_files:
                raise ChangeRefused(
                    f"the change touches more than {self._caps.max_files} files",
                    hint="Split it, or raise `validate.intake.max_files` in the policy.",
                )
        return written, seen

    def _files(self) -> Iterator[tuple[bytes, int]]:
        waiting = [b""]
        seen = 0
        while waiting:
            directory = waiting.pop()
            for last in self._folder.names(directory):
                name = directory + b"/" + last if directory else last
                seen += 1
                if seen > _MOST_SEEN:
                    raise ChangeRefused(f"the directory holds more than {_MOST_SEEN} entries")
                if name == b".git":
                    self._note("'.git' is no part of the change; it was left out")
                    continue
                if fault := fault_of(name):
                    raise ChangeRefused(f"'{said(name)}' {fault}")
                now = self._folder.look(name)
                if now is None:
                    continue
                if stat.S_ISDIR(now.st_mode):
                    waiting.append(name)
                elif stat.S_ISREG(now.st_mode) or stat.S_ISLNK(now.st_mode):
                    yield name, now.st_size
                else:
                    self._note(f"'{said(name)}' is neither a file nor a link; it was left out")

    def _entry(self, name: bytes, size: int) -> Entry | None:
        """What a file is recorded as; `None` when the base has it so, or it is gone again."""
        if size > HARDEST:
            raise self._too_large(name, size)
        if size > self._unread:
            raise ChangeRefused(f"the directory holds more than {show_size(_MOST_READ)}")
        found = self._folder.read(name)
        if found is None:
            return None
        self._unread -= len(found.data)
        blob = self._objects.blob_id((found.data,), len(found.data))
        there = self._objects.find(self._tree, name)
        if there == Entry(found.mode, blob):
            return None
        if len(found.data) > self._left:
            raise self._too_large(name, len(found.data))
        self._left -= len(found.data)
        return Entry(found.mode, self._objects.write_blob(found.data))

    def _too_large(self, name: bytes, size: int) -> ChangeRefused:
        return ChangeRefused(
            f"'{said(name)}' is {show_size(size)}; the changed files may hold {show_size(HARDEST)} together",
            hint="Keep large files out of the change.",
        )
