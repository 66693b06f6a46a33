"""One backup in the making: contents written beside, synced, renamed to their digests; then the manifest; then all of it read back."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from runner.crashpoints import crashpoint
from runner.durable import sync_folder
from runner.errors import InfrastructureError
from runner.model.text import shown
from runner.ports import Backup, Item
from runner.vault.layout import CLAIM, Layout
from runner.vault.manifest import Damaged, Entry, digest, dump
from runner.vault.objects import flaws, room
from runner.vault.syncing import Batch

_MANY: Final = 128
_MUCH: Final = 2**25
"""So many things, or so many bytes of them, are looked at together."""
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Taken(NamedTuple):
    """A thing of the target with its content, which was read once."""

    item: Item
    content: bytes
    digest: str


class Making:
    """What one writer does in its folder `berth`. `admit` is asked before so many bytes are written, and raises when they do not fit."""

    def __init__(self, layout: Layout, berth: Path, disk: Batch, admit: Callable[[int], None]) -> None:
        self._layout, self._berth, self._disk, self._admit = layout, berth, disk, admit
        self._entries: list[Entry] = []
        self._found: set[str] = set()
        """Objects that were there, and were read again."""
        self._written: dict[str, Path] = {}
        self._added = 0

    def make(self, items: Iterable[Item]) -> Backup:
        """The backup, all of it on disk and read back. Raises OSError and InfrastructureError."""
        for some in portions(items):
            self._take(some)
        self._name_objects()
        try:
            manifest = dump(self._entries)
        except Damaged as problem:
            raise InfrastructureError(f"the target cannot be kept: {problem}") from problem
        name = self._name_manifest(manifest)
        self._read_back(name)
        files = sum(entry.kind == "file" for entry in self._entries)
        return Backup(name, files, sum(entry.size for entry in self._entries), self._added)

    def _take(self, some: Sequence[Taken]) -> None:
        new = {one.digest: one.content for one in some if one.digest and one.digest not in self._found and one.digest not in self._written}
        there = [name for name in new if self._layout.objects.has(name)]
        good = {name for name, flaw in self._layout.objects.examine(there) if not flaw}
        self._found |= good
        for name, content in new.items():
            if name not in good:
                self._written[name] = self._write(name, content, sync=False)
                crashpoint("vault.object.written")
        self._entries += [
            Entry(item.path, item.kind, item.mode, name, len(content), item.owner, tuple(item.attributes)) for item, content, name in some
        ]

    def _name_objects(self) -> None:
        """Contents are durable before they have their names, and names before the manifest exists; also those that others gave just now."""
        self._disk.sync(tuple(self._written.values()))
        crashpoint("vault.object.synced")
        objects = self._layout.objects
        for name, path in self._written.items():
            place = objects.path(name)
            try:
                path.replace(place)
            except FileNotFoundError:
                place.parent.mkdir(mode=0o700, exist_ok=True)
                path.replace(place)
            crashpoint("vault.object.renamed")
        for folder in (*objects.folders((*self._written, *self._found)), objects.folder, self._layout.root, self._layout.root.parent):
            sync_folder(folder)
        crashpoint("vault.folders.synced")

    def _name_manifest(self, manifest: bytes) -> str:
        name = digest(manifest)
        place = self._layout.manifests / name
        if flaws([place], [name])[0]:
            path = self._write("manifest", manifest, sync=True)
            (self._berth / f"{CLAIM}{name}").touch(mode=0o600)
            sync_folder(self._berth)
            crashpoint("vault.manifest.written")
            path.replace(place)
            crashpoint("vault.manifest.renamed")
        sync_folder(self._layout.manifests)
        return name

    def _read_back(self, manifest: str) -> None:
        """What was there already was read when it was found."""
        for name, flaw in self._layout.objects.examine(self._written):
            if flaw:
                raise _unlike(f"object {name}", flaw)
        if flaw := flaws([self._layout.manifests / manifest], [manifest])[0]:
            raise _unlike(f"manifest {manifest}", flaw)

    def _write(self, name: str, content: bytes, *, sync: bool) -> Path:
        """A file in the writer's folder, whole."""
        self._admit(room(len(content)))
        path = self._berth / name
        opened = os.open(path, _FLAGS, 0o400)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(opened, rest) :]
            if sync:
                os.fsync(opened)
        finally:
            os.close(opened)
        self._added += len(content)
        return path


def portions(items: Iterable[Item]) -> Iterator[tuple[Taken, ...]]:
    """The items with their contents, some at a time. Raises InfrastructureError when the target cannot be read."""
    some: list[Taken] = []
    much = 0
    for item in _all(items):
        some.append(_taken(item))
        much += len(some[-1].content)
        if len(some) >= _MANY or much >= _MUCH:
            yield tuple(some)
            some, much = [], 0
    if some:
        yield tuple(some)


def _all(items: Iterable[Item]) -> Iterator[Item]:
    try:
        yield from items
    except OSError as problem:
        raise _unread("the target", problem) from problem


def _taken(item: Item) -> Taken:
    if item.kind == "folder":
        return Taken(item, b"", "")
    try:
        content = item.read()
    except OSError as problem:
        raise _unread(f"'{shown(item.path)}' of the target", problem) from problem
    return Taken(item, content, digest(content))


def _unread(what: str, problem: OSError) -> InfrastructureError:
    return InfrastructureError(f"{what} cannot be read: {problem.strerror or problem}", hint="Mend that, then try again.")


def _unlike(what: str, flaw: str) -> InfrastructureError:
    hint = "The disk may be failing: look at the system's log before anything is promoted."
    return InfrastructureError(f"the backup cannot be trusted: read back from the disk, {what} {flaw}", hint=hint)
