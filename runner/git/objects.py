"""A private object store over the user's repository: everything git makes of a change is written there and only there."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from runner.durable import sync_folder
from runner.errors import InfrastructureError, UsageError
from runner.git import apply as applying
from runner.git import cat, difference, loose
from runner.git.command import Git, ended, pipes, plain
from runner.git.history import GitHistory
from runner.git.repository import Repository, open_repository
from runner.git.scratch import sweep
from runner.git.trees import DIRECTORY, Entry, TreeReader, rewrite
from runner.model.change import FileChange
from runner.model.text import shown
from runner.ports import TreeEntry

_FEW = 256
MOST_PATCH = 64 * 2**20


class PrivateObjects:
    """Trees and blobs of the user's repository and of changes to it; close it, or use it in a `with`.

    `private` is a directory of its own, made when missing; whoever gave it removes it. The repository is only read:
    its objects through `alternates`, its revisions by `rev-parse`; its configuration does not govern anything else.
    """

    def __init__(self, repository: Path, private: Path, others: Iterable[Path] = ()) -> None:
        """`others` are repositories whose objects can be read as well. Raises UsageError when git reads one of them not, or they differ in kind."""
        self.home = home = private.absolute() / "home"
        """The empty directory that git takes for the user's."""
        home.mkdir(parents=True, exist_ok=True)
        self.repository: Repository = open_repository(repository, home)
        read = dict.fromkeys((self.repository.objects, *(_alike(self.repository, open_repository(other, home)) for other in others)))
        self._git = _private_git(self.repository.object_format, tuple(read), private.absolute(), home)
        sweep(private.absolute())
        self._directory = private.absolute() / "git" / "objects"
        self._cat = cat.Cat(self._git)
        self._reader = TreeReader(self._cat)

    @property
    def directory_quoted(self) -> str:
        """The private store as GIT_ALTERNATE_OBJECT_DIRECTORIES spells it, for a git that is to read what is in it."""
        return '"' + str(self._directory).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    def close(self) -> None:
        """End the process that reads objects."""
        self._cat.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # Revisions

    def resolve(self, revision: str) -> str:
        """The commit id of a revision; raises UsageError when there is none."""
        return self.repository.resolve(revision)

    def tree_of(self, commit: str) -> str:
        """The tree id of a commit id."""
        return self._commit(commit)[0]

    def parent_of(self, commit: str) -> str | None:
        """The first parent of a commit id, or `None`."""
        return next(iter(self._commit(commit)[1:]), None)

    def author_of(self, commit: str) -> str:
        """The e-mail address that a commit names as its author's, as text for people; empty without one."""
        lines = self._head(commit)
        named = next((line for line in lines if line.startswith(b"author ")), b"")
        return shown(named.rpartition(b">")[0].rpartition(b"<")[2])

    def describe(self, commit: str) -> str:
        """The PEP 440 version of a commit by its last tag, or `0.0.0`."""
        return self.repository.describe(commit)

    def history(self, folder: Path | None) -> GitHistory:
        """The commits behind a base in numbers, kept in `folder`."""
        return GitHistory(self._git, self.repository.objects, folder, shallow=self.repository.shallow)

    def _commit(self, commit: str) -> list[str]:
        """Tree and parents."""
        return [line.split(b" ")[1].decode() for line in self._head(commit) if line.startswith((b"tree ", b"parent "))]

    def _head(self, commit: str) -> list[bytes]:
        """The lines above the message."""
        found = self._cat.get(commit)
        if found.kind != "commit":
            raise UsageError(f"{commit} is a {found.kind}, not a commit")
        return found.content.partition(b"\n\n")[0].split(b"\n")

    # Changes

    def apply(self, base_tree: str, patch: bytes) -> str:
        """The id of the tree that a patch makes of a base tree; raises ChangeRefused with git's reason."""
        return applying.apply(self._git, self._reader, base_tree, patch)

    def patch(self, base_tree: str, tree: str, most: int = MOST_PATCH) -> bytes:
        """The canonical diff of two trees; raises ChangeRefused when it is larger than `most` bytes."""
        return difference.patch(self._git, base_tree, tree, most)

    def patch_id(self, patch: bytes) -> str:
        """A stable digest of a diff without base and line numbers."""
        return difference.patch_id(self._git, patch)

    def find(self, tree: str, path: bytes) -> Entry | None:
        """The entry at a path of a tree, directories included; `None` when there is none."""
        return self._reader.find(tree, path)

    def free(self, tree: str, path: bytes) -> bool:
        """Whether a file could be added at a path: nothing is there, and what leads to it is a directory or absent."""
        return self._reader.free(tree, path)

    def blob_id(self, pieces: Iterable[bytes], size: int) -> str:
        """The id that a blob of `size` bytes would have; nothing is written."""
        return loose.blob_id(pieces, size, self.repository.object_format)

    def write_blob(self, content: bytes) -> str:
        """The id of a new blob of exactly these bytes, in the private store."""
        return loose.write_blob(self._directory, content, self.repository.object_format)

    def rewrite(self, tree: str, changes: Mapping[bytes, Entry | None]) -> str:
        """The id of `tree` with the file at each path of `changes` set, or removed for `None`."""
        return rewrite(self._reader, self._git, tree, changes)

    def sync(self) -> None:
        """Make what was written here survive a power cut: whoever goes on with a change needs its trees. Raises InfrastructureError."""
        try:
            for folder, _, files in os.walk(self._directory):
                for name in files:
                    with (Path(folder) / name).open("rb") as file:
                        os.fsync(file.fileno())
                sync_folder(Path(folder))
        except OSError as problem:
            hint = "Is the disk full, or failing?"
            raise InfrastructureError(f"the trees of the change cannot be kept: {problem.strerror}", hint=hint) from problem

    def date_of(self, commit: str) -> int:
        """When a commit was committed, in seconds since 1970."""
        line = next((line for line in self._head(commit) if line.startswith(b"committer ")), b"")
        seconds = line.rpartition(b"> ")[2].partition(b" ")[0]
        return int(seconds) if seconds.isdigit() else 0

    def commit(self, tree: str, parent: str, message: str, *, who: str, when: int) -> str:
        """The id of a new commit in the private store; `who` as in `name <address>`, `when` in seconds since 1970. The same gives the same id."""
        said = message.encode("utf-8", "backslashreplace").replace(b"\0", b"\\0").rstrip(b"\n") + b"\n"
        head = f"tree {tree}\nparent {parent}\nauthor {who} {when} +0000\ncommitter {who} {when} +0000\n\n"
        answer = self._git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=head.encode() + said)
        if not answer.ok:
            raise InfrastructureError(f"git could not write a commit: {answer.reason}", hint="Is the disk full?")
        return answer.out.decode().strip()

    def packed(self, commit: str, without: Iterable[str]) -> Iterator[bytes]:
        """A pack of everything that belongs to a commit and to none of `without`, whose objects whoever gets it must have.

        Raises InfrastructureError when an object is missing.
        """
        words = ("pack-objects", "--revs", "--stdout", "--delta-base-offset", "-q")
        with tempfile.TemporaryFile() as errors, ended(self._git.start(*words, stderr=errors)) as process:
            to_git, from_git = pipes(process)
            with contextlib.suppress(OSError):
                to_git.write("".join([f"{commit}\n", *(f"^{known}\n" for known in without)]).encode("ascii"))
                to_git.close()
            while piece := from_git.read1(2**18):  # type: ignore[attr-defined]
                yield piece
            if process.wait():
                errors.seek(0)
                raise InfrastructureError(
                    f"git cannot pack commit {commit}: {plain(errors.read(4096))}",
                    hint="A shallow or partial clone lacks history that the target needs: `git fetch --unshallow`, or `--refetch --no-filter`.",
                )

    # What runner.ports.Trees asks for

    def read(self, tree: str, path: str) -> bytes | None:
        """Content of a file or symlink of a tree; `None` when there is none."""
        entry = self._reader.find(tree, path.encode("utf-8", "surrogateescape"))
        if entry is None or entry.mode in (DIRECTORY, "160000"):
            return None
        return self._cat.get(entry.id).content

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Contents by blob id; all of them are in memory at once."""
        wanted = dict.fromkeys(ids)
        if len(wanted) <= _FEW:
            return {name: self._cat.get(name).content for name in wanted}
        return dict(self.stream_blobs(wanted))

    def stream_blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Id and content of each blob, in the order asked for, one in memory at a time."""
        return cat.stream(self._git, ids)

    def listing(self, tree: str, directory: str = "") -> tuple[TreeEntry, ...]:
        """The entries of one directory, none when it is no directory; paths are names within it."""
        entry = self._reader.find(tree, directory.encode("utf-8", "surrogateescape"))
        if entry is None or entry.mode != DIRECTORY:
            return ()
        return tuple(TreeEntry(e.mode, e.id, name) for name, e in self._reader.load(entry.id).items())

    def entries(self, tree: str) -> Iterator[TreeEntry]:
        """Every file, symlink and gitlink of a tree, recursive, as `git ls-tree -r` goes on."""
        with ended(self._git.start("ls-tree", "-r", "-z", "--full-tree", tree)) as process:
            to_git, from_git = pipes(process)
            to_git.close()
            rest = b""
            while piece := from_git.read1(2**18):  # type: ignore[attr-defined]
                *lines, rest = (rest + piece).split(b"\0")
                for line in lines:
                    head, _, path = line.partition(b"\t")
                    mode, _, blob = head.decode("ascii").split(" ")
                    yield TreeEntry(mode, blob, path)
            if process.wait() < 0:
                raise InfrastructureError(f"git was killed while it listed tree {tree}")
            if process.returncode or rest:
                raise cat.missing(tree)

    def diff(self, old: str, new: str) -> tuple[FileChange, ...]:
        """What differs, path by path, with sizes and line counts."""
        return difference.files(self._git, old, new)

    def raw_diff(self, old: str, new: str) -> tuple[tuple[TreeEntry | None, TreeEntry | None], ...]:
        """Old and new entry of every path that differs; `None` where the path is absent on that side."""
        return difference.raw(self._git, old, new)

    def with_paths(self, tree: str, paths: Iterable[bytes], source: str) -> str:
        """The id of `tree` with the file at each of `paths` as it is in `source`, absent where `source` has none."""
        changes: dict[bytes, Entry | None] = {}
        for path in paths:
            entry = self._reader.find(source, path)
            changes[path] = None if entry is None or entry.mode == DIRECTORY else entry
        return rewrite(self._reader, self._git, tree, changes)

    def with_files(self, tree: str, files: Mapping[str, bytes]) -> str:
        """The id of `tree` with other content in each of these regular files, which it has; modes stay."""
        changes: dict[bytes, Entry | None] = {}
        for path, content in files.items():
            name = path.encode("utf-8", "surrogateescape")
            entry = self._reader.find(tree, name)
            if entry is None or not entry.mode.startswith("100"):
                raise KeyError(path)
            changes[name] = Entry(entry.mode, self.write_blob(content))
        return rewrite(self._reader, self._git, tree, changes)


def _alike(one: Repository, other: Repository) -> Path:
    """The objects of another repository, which must name them as the first does."""
    if other.object_format != one.object_format:
        raise UsageError(
            f"'{shown(bytes(other.root))}' names its objects by {other.object_format}, and '{shown(bytes(one.root))}' by {one.object_format}",
            hint="A change cannot go from one to the other.",
        )
    return other.objects


def _private_git(object_format: str, objects: Iterable[Path], private: Path, home: Path) -> Git:
    """Git over a bare repository in `private` that has nothing but alternates to others' objects."""
    directory = private / "git"
    for folder in (directory / "objects" / "info", directory / "objects" / "pack", directory / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    version, extension = ("0", "") if object_format == "sha1" else ("1", f"[extensions]\n\tobjectFormat = {object_format}\n")
    _put(directory / "config", f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = true\n{extension}")
    _add(directory / "objects" / "info" / "alternates", (_quoted(bytes(folder)) + b"\n" for folder in objects))
    _put(directory / "HEAD", "ref: refs/heads/none\n")
    with contextlib.suppress(FileExistsError):
        (private / "empty").mkdir()
    return Git(private / "empty", home, (("GIT_DIR", str(directory)),))


def _put(place: Path, content: str) -> None:
    """Make a file say this; who reads it meanwhile, as another process over the same store, finds it whole."""
    if not place.exists() or place.read_text() != content:
        with tempfile.NamedTemporaryFile("w", dir=place.parent, prefix="tmp_", delete=False) as beside:
            beside.write(content)
        Path(beside.name).replace(place)


def _add(place: Path, lines: Iterable[bytes]) -> None:
    """Add those of these lines that a file lacks; what another process over the same store needs stays."""
    known = place.read_bytes().splitlines(keepends=True) if place.exists() else []
    with place.open("ab") as file:
        file.write(b"".join(line for line in lines if line not in known))


def _quoted(path: bytes) -> bytes:
    """A line of `alternates`: C-quoted when it would not be read as it stands."""
    if not path.startswith((b"#", b'"')) and b"\n" not in path:
        return path
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
