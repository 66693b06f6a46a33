"""Tree objects in memory: looking a path up, and building a tree from another with some paths replaced."""

import contextlib
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from runner.errors import ChangeRefused, InfrastructureError
from runner.git.cat import Cat
from runner.git.command import Git, ended, pipes

DIRECTORY = "040000"
GITLINK = "160000"
_CACHED = 512
_SMALL = 4096


class Entry(NamedTuple):
    """What a name in a tree stands for."""

    mode: str
    id: str


class TreeReader:
    """Parsed tree objects by id; the small ones of the last reads are kept."""

    def __init__(self, cat: Cat) -> None:
        self._cat = cat
        self._kept: OrderedDict[str, Mapping[bytes, Entry]] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, tree: str) -> Mapping[bytes, Entry]:
        """The entries of one tree object by name; raises UsageError when it is missing, ChangeRefused when it is no tree."""
        with self._lock:
            if tree in self._kept:
                self._kept.move_to_end(tree)
                return self._kept[tree]
        found = self._cat.get(tree)
        if found.kind != "tree":
            raise ChangeRefused(f"object {tree} is a {found.kind}, not a tree")
        parsed = parse(found.content, len(tree) // 2)
        with self._lock:
            if len(parsed) <= _SMALL:
                self._kept[tree] = parsed
            while len(self._kept) > _CACHED:
                self._kept.popitem(last=False)
        return parsed

    def find(self, tree: str, path: bytes) -> Entry | None:
        """The entry at a path, directories included; `None` when there is none."""
        entry: Entry | None = Entry(DIRECTORY, tree)
        for name in path.split(b"/") if path else ():
            if entry is None or entry.mode != DIRECTORY:
                return None
            entry = self.load(entry.id).get(name)
        return entry

    def free(self, tree: str, path: bytes) -> bool:
        """Whether a file could be added at a path: nothing is there, and what leads to it is a directory or absent."""
        entry: Entry | None = Entry(DIRECTORY, tree)
        for name in path.split(b"/"):
            if entry is None:
                return True
            if entry.mode != DIRECTORY:
                return False
            entry = self.load(entry.id).get(name)
        return entry is None


def parse(content: bytes, width: int) -> dict[bytes, Entry]:
    """The entries of a raw tree object with ids of `width` bytes; raises ChangeRefused when it is malformed."""
    entries: dict[bytes, Entry] = {}
    at = 0
    try:
        while at < len(content):
            blank = content.index(b" ", at)
            end = content.index(b"\0", blank)
            name = content[blank + 1 : end]
            mode = int(content[at:blank], 8)
            at = end + 1 + width
            if len(content) < at or name in entries:
                raise _malformed()
            entries[name] = Entry(_canonical(mode), content[end + 1 : at].hex())
    except ValueError as problem:
        raise _malformed() from problem
    return entries


def _malformed() -> ChangeRefused:
    return ChangeRefused("a tree object of the change is malformed", hint="`git fsck` tells more.")


def _canonical(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "100755" if mode & stat.S_IXUSR else "100644"
    if stat.S_ISDIR(mode):
        return DIRECTORY
    return "120000" if stat.S_ISLNK(mode) else GITLINK


class TreeWriter:
    """Writes tree objects through one `git mktree`; use it as made by `writing`."""

    def __init__(self, git: Git, stack: contextlib.ExitStack) -> None:
        self._process = stack.enter_context(ended(git.start("mktree", "-z", "--missing", "--batch")))

    def write(self, entries: Mapping[bytes, Entry]) -> str:
        """The id of a tree with these entries; raises InfrastructureError when git does not take them."""
        to_git, from_git = pipes(self._process)
        lines = (b"%s %s %s\t%s\0" % (e.mode.encode(), _kind(e.mode), e.id.encode(), name) for name, e in entries.items())
        with contextlib.suppress(OSError):
            to_git.write(b"".join(lines) + b"\0")
            to_git.flush()
        made = from_git.readline().decode().strip()
        if not made:
            raise InfrastructureError("git could not write a tree", hint="Is the disk full?")
        return made


def _kind(mode: str) -> bytes:
    return {DIRECTORY: b"tree", GITLINK: b"commit"}.get(mode, b"blob")


@contextlib.contextmanager
def writing(git: Git) -> Iterator[TreeWriter]:
    """A writer of tree objects, ended afterwards."""
    with contextlib.ExitStack() as stack:
        yield TreeWriter(git, stack)


def rewrite(reader: TreeReader, git: Git, tree: str, changes: Mapping[bytes, Entry | None]) -> str:
    """The id of `tree` with the file at each path of `changes` set, or removed for `None`; costs only the directories touched."""
    if not changes:
        return tree
    with writing(git) as writer:
        return _rewrite(reader, writer, tree, changes) or writer.write({})


def _rewrite(reader: TreeReader, writer: TreeWriter, tree: str | None, changes: Mapping[bytes, Entry | None]) -> str | None:
    entries = dict(reader.load(tree)) if tree else {}
    below: dict[bytes, dict[bytes, Entry | None]] = {}
    for path, entry in changes.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(name, {})[rest] = entry
        elif entry is None:
            if name in entries and entries[name].mode != DIRECTORY:
                del entries[name]
        else:
            entries[name] = entry
    for name, inner in below.items():
        here = entries.get(name)
        inside = here.id if here and here.mode == DIRECTORY else None
        if inside is None and not any(inner.values()):
            continue  # removed below something that is no directory on this side: nothing to do
        made = _rewrite(reader, writer, inside, inner)
        if made is None:
            entries.pop(name, None)
        else:
            entries[name] = Entry(DIRECTORY, made)
    return writer.write(entries) if entries else None
