"""What a live folder holds of a tree, as the vault keeps it: from disk, with owners, modes and attributes, and only if it is what the tree says."""

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from runner.errors import InfrastructureError
from runner.ports import Item, TreeEntry
from runner.targets.folder.descent import Descent, Gone
from runner.targets.folder.likeness import kept_attributes
from runner.targets.folder.managed import LINK, Managed, content, listed
from runner.targets.folder.staging import opened_file


def items(top: Path, side: Managed) -> Iterator[Item]:
    """Each folder before what is in it; their `read` raises OSError when a file is not what the tree says. Raises OSError, InfrastructureError."""
    with Descent(top) as descent:
        known: set[bytes] = set()
        for entry in side.files.values():
            for folder in _above(entry.path):
                if folder not in known:
                    known.add(folder)
                    yield _folder(descent, folder)
            yield _file(top, descent, entry)
        if not known:
            yield _folder(descent, b"")


def _above(path: bytes) -> Iterator[bytes]:
    yield b""
    at = path.find(b"/")
    while at >= 0:
        yield path[:at]
        at = path.find(b"/", at + 1)


def _folder(descent: Descent, path: bytes) -> Item:
    try:
        opened = descent.folder(path)
    except Gone as problem:
        raise InfrastructureError(f"The folder {listed((path,))} vanished meanwhile.") from problem
    facts = os.fstat(opened)
    return Item(path, "folder", stat.S_IMODE(facts.st_mode), bytes, (facts.st_uid, facts.st_gid), kept_attributes(opened))


def _file(top: Path, descent: Descent, entry: TreeEntry) -> Item:
    read = partial(content, top, entry)
    if entry.mode == LINK:
        try:
            above, name = descent.at(entry.path)
        except Gone as problem:
            raise InfrastructureError(f"The link {listed((entry.path,))} vanished meanwhile.") from problem
        facts = os.stat(name, dir_fd=above, follow_symlinks=False)
        return Item(entry.path, "link", 0, read, (facts.st_uid, facts.st_gid))
    file = opened_file(descent, entry.path)
    if file is None:
        raise InfrastructureError(f"The file {listed((entry.path,))} vanished meanwhile.")
    try:
        facts = os.fstat(file)
        return Item(entry.path, "file", stat.S_IMODE(facts.st_mode), read, (facts.st_uid, facts.st_gid), kept_attributes(file))
    finally:
        os.close(file)
