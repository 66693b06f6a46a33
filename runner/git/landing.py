"""A repository that a change lands in: its refs are moved by compare-and-swap under a fence, and objects come in whole and synced."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from runner.crashpoints import crashpoint
from runner.durable import sync_folder
from runner.errors import Fenced, InfrastructureError, TargetMoved, UsageError
from runner.git.command import Answer, Git, ended, pipes, plain
from runner.git.repository import Repository, open_repository
from runner.model.text import shown

WHO: Final = "seatrial <seatrial@localhost>"
"""Author and committer of every commit of ours."""
FENCES: Final = "refs/seatrial/fence/"
"""One ref for each promotion under way: who may move the target for it. Part of every move's transaction."""
OTHERS_REFS: Final = ("refs/seatrial/", "refs/replace/", "refs/bisect/", "refs/rewritten/", "refs/worktree/")
"""Refs with a meaning of their own, or of one work tree only."""
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "seatrial"), ("EMAIL", "seatrial@localhost"))
}
_PATIENCE = 3000
"""Milliseconds that a lock of somebody else is waited for."""
_WRITES: Final = ("core.fsync=all", f"core.filesRefLockTimeout={_PATIENCE}", f"core.packedRefsTimeout={_PATIENCE}")
_FORMAT = "--format=%(refname)%00%(objectname)%00%(objecttype)%00%(tree)%00%(symref)"
_LOCK = re.compile(rb"Unable to create '(.*\.lock)': File exists", re.DOTALL)
_INCOMING = "tmp_objdir-seatrial-"
"""How git calls folders of objects on their way in, which its own housekeeping removes when they are old."""
_CLAIMS = 5


class Tip(NamedTuple):
    """What a ref is at."""

    commit: str
    tree: str


class Fence(NamedTuple):
    """Who moves a ref: a promotion by its run, and the number of its owner."""

    run: str
    number: int

    @property
    def ref(self) -> str:
        """The ref that keeps it."""
        return FENCES + self.run


class _Held(NamedTuple):
    blob: str
    number: int


class Landing:
    """One target repository. `home` is an empty directory in one of ours. Every method raises InfrastructureError."""

    def __init__(self, path: Path, home: Path) -> None:
        """Raises UsageError when `path` is neither the top of a work tree nor a bare repository."""
        self.repository: Repository = open_repository(path, home)
        self.folder = _top(self.repository, path)
        """The folder that holds its refs: the git directory that all its work trees share."""
        git = self.repository.git
        self.git = Git(self.folder, home, (("GIT_DIR", str(self.folder)), *_IDENTITY.items()), (*git.config, *_WRITES))
        self._nothing = "0" * (40 if self.repository.object_format == "sha1" else 64)

    @property
    def root(self) -> Path:
        """What it is called by: the folder of its main work tree, or its own where it has none."""
        return self.folder.parent if self.folder.name == ".git" else self.folder

    # Reading, always afresh

    def at(self, ref: str) -> Tip | None:
        """The commit of a ref and its tree; `None` when there is no such ref. Raises UsageError when it is no commit or another ref's name."""
        found = self._read(ref)
        if found is None:
            return None
        commit, kind, tree, stands_for = found
        if stands_for:
            raise UsageError(f"{_named(ref)} only stands for {_named(stands_for)}", hint="Name the ref that it stands for.")
        if kind != "commit":
            raise UsageError(f"{_named(ref)} is a {kind}, not a commit", hint="Name a branch.")
        return Tip(commit, tree)

    def symbolic(self, ref: str) -> str:
        """The ref that this one only stands for, even if that is not there; empty when it stands for itself."""
        answer = self.git.run("symbolic-ref", "--quiet", ref)
        return os.fsdecode(answer.out.removesuffix(b"\n")) if answer.ok else ""

    def in_the_way(self, ref: str) -> str:
        """A ref whose name makes this one impossible, as `a` does for `a/b`; empty when there is none."""
        parts = ref.split("/")
        above = ("/".join(parts[:count]) for count in range(3, len(parts)))
        if found := next((name for name in above if self.git.run("show-ref", "--verify", "--quiet", name).ok), ""):
            return found
        answer = self._told("for-each-ref", "--count=2", "--format=%(refname)", ref)
        return next((name for line in answer.out.splitlines() if (name := os.fsdecode(line)) != ref), "")

    def tips(self) -> tuple[str, ...]:
        """The commits that its refs are at: all that belongs to them is there."""
        answer = self._told("for-each-ref", "--format=%(objecttype) %(objectname)")
        return tuple(dict.fromkeys(line.split(b" ")[1].decode() for line in answer.out.splitlines() if line.startswith(b"commit ")))

    def holds(self, commit: str) -> bool:
        """Whether a ref leads to this commit, so that all that belongs to it is there."""
        if not self.git.run("cat-file", "-e", f"{commit}^{{commit}}").ok:
            return False
        return bool(self._told("for-each-ref", "--count=1", "--contains", commit, "refs").out)

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `ancestor` is one of the commits behind `commit`."""
        return bool(ancestor) and self.git.run("merge-base", "--is-ancestor", ancestor, commit).ok

    def saying(self, line: str, commit: str, after: str) -> tuple[tuple[str, str], ...]:
        """The commits from `after` to `commit` that have these words in their message, each with its first parent; the last 100."""
        answer = self._told("rev-list", "--max-count=100", "--parents", "-F", f"--grep={line}", commit, f"^{after}")
        lines = (text.split() for text in answer.out.decode("ascii", "replace").splitlines())
        return tuple((words[0], words[1]) for words in lines if words[1:])

    def complete(self, commit: str, had: str = "") -> bool:
        """Whether all that belongs to a commit is in this repository itself; what belongs to `had` is taken for granted."""
        without = ("--not", had) if had else ()
        return self.git.run("rev-list", "--objects", "--quiet", commit, *without).ok

    # The fence

    def claim(self, fence: Fence) -> None:
        """Let whoever had a smaller number move nothing any more; raises Fenced when somebody has a larger one."""
        blob = (
            self._told("hash-object", "-w", "--stdin", stdin=f"seatrial fence {fence.run} {fence.number}\n".encode()).out.decode().strip()
        )
        for _ in range(_CLAIMS):
            held = self._held(fence.ref)
            if held is not None and held.number > fence.number:
                raise _fenced(fence)
            if held is not None and held.blob == blob:
                return
            answer = self._transact((f"update {fence.ref}", blob, held.blob if held else self._nothing))
            if answer.ok:
                self._sync(fence.ref)
                return
            refuse_lock(answer)
        raise InfrastructureError(f"{fence.ref} is moved again and again by somebody else")

    def check(self, fence: Fence) -> str:
        """The blob that a fence is at while it is in force; raises Fenced when it is not, or not any more."""
        held = self._held(fence.ref)
        if held is None or held.number != fence.number:
            raise _fenced(fence)
        return held.blob

    def release(self, fence: Fence) -> None:
        """The promotion has ended: remove its fence, and what it left on its way in, unless somebody has taken it over."""
        held = self._held(fence.ref)
        if held is not None and held.number > fence.number:
            raise _fenced(fence)
        self.sweep(fence)
        if held is not None:
            answer = self._transact((f"delete {fence.ref}", held.blob))
            if not answer.ok:
                refuse_lock(answer)
                raise InfrastructureError(f"git cannot remove {fence.ref}: {answer.reason}")
            self._sync(fence.ref)

    # Writing

    def receive(self, pack: Iterable[bytes], fence: Fence) -> None:
        """Take a pack in, whole and synced or not at all."""
        incoming = self.repository.objects / f"{_INCOMING}{fence.run}-{fence.number}"
        shutil.rmtree(incoming, ignore_errors=True)
        try:
            (incoming / "pack").mkdir(parents=True)
            self._index(pack, incoming)
            crashpoint("git.objects.sent")
            place = self.repository.objects / "pack"
            place.mkdir(exist_ok=True)
            files = sorted((incoming / "pack").iterdir(), key=lambda file: (file.suffix == ".idx", file.suffix != ".pack"))
            for file in files:  # the index last: it is what makes git see the pack
                file.replace(place / file.name)
            self.settle()
            crashpoint("git.objects.synced")
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def settle(self) -> None:
        """Make the names of packs durable; git and we have synced what is in them."""
        sync_folder(self.repository.objects / "pack")

    def sweep(self, fence: Fence) -> None:
        """Remove what this owner or an earlier one left on its way in."""
        for left in self.repository.objects.glob(f"{_INCOMING}{fence.run}-*"):
            number = left.name.rpartition("-")[2]
            if number.isdecimal() and int(number) <= fence.number:
                shutil.rmtree(left, ignore_errors=True)

    def move(self, ref: str, old: str, new: str, fence: Fence, why: str) -> None:
        """Move a ref from one commit to another in one step; an empty id is for no ref at all. Synced once this returns.

        Raises TargetMoved when it is not at `old`, Fenced when somebody else has taken over; then nothing was done.
        """
        blob = self.check(fence)
        if other := self.symbolic(ref):
            raise TargetMoved(f"{_named(ref)} has become a name for {_named(other)}")
        step = (f"update {ref}", new, old or self._nothing) if new else (f"delete {ref}", old)
        answer = self._transact(step, (f"verify {fence.ref}", blob), why=why)
        if not answer.ok:
            self._explain(ref, old, fence, answer)
        self._sync(ref)

    # Inside

    def _read(self, ref: str) -> tuple[str, str, str, str] | None:
        answer = self._told("for-each-ref", _FORMAT, ref)
        for line in answer.out.split(b"\n"):
            fields = [os.fsdecode(field) for field in line.split(b"\0")]
            if fields[0] == ref:
                return fields[1], fields[2], fields[3], fields[4]
        if b"ignoring broken ref " + os.fsencode(ref) + b"\n" in answer.err:
            raise InfrastructureError(f"{_named(ref)} is damaged: {answer.reason}", hint="`git fsck` tells more.")
        return None

    def _held(self, ref: str) -> _Held | None:
        found = self._read(ref)
        if found is None:
            return None
        said = self._told("cat-file", "blob", found[0]).out.split()
        if not said or not said[-1].isdigit():
            raise InfrastructureError(f"{ref} is no fence of ours", hint=f"`git update-ref -d {ref}` removes it.")
        return _Held(found[0], int(said[-1]))

    def _told(self, *words: str, stdin: bytes = b"") -> Answer:
        answer = self.git.run(*words, stdin=stdin)
        if not answer.ok:
            raise InfrastructureError(
                f"git cannot {words[0]} in '{shown(bytes(self.root))}': {answer.reason}", hint="`git fsck` tells more."
            )
        return answer

    def _transact(self, step: tuple[str, ...], *others: tuple[str, ...], why: str = "") -> Answer:
        """All of these steps or none, under the locks of all their refs."""
        words = (("start",), *others, step, ("prepare",), ("commit",))
        stdin = os.fsencode("".join("\0".join(parts) + "\0" for parts in words))
        log = ("--create-reflog", "-m", why) if why else ()
        return self.git.run("update-ref", "--no-deref", *log, "-z", "--stdin", stdin=stdin)

    def _explain(self, ref: str, old: str, fence: Fence, answer: Answer) -> NoReturn:
        """Why a move was refused."""
        self.check(fence)
        found = self._read(ref)
        if (found[0] if found else "") != old:
            raise TargetMoved(f"{_named(ref)} is at {found[0][:12] if found else 'nothing'} now, and was at {old[:12] or 'nothing'}")
        refuse_lock(answer)
        raise InfrastructureError(
            f"git cannot move {_named(ref)}: {answer.reason}", hint="May this user write to the repository? Is the disk full?"
        )

    def _index(self, pack: Iterable[bytes], incoming: Path) -> None:
        git = self.git.with_env(GIT_OBJECT_DIRECTORY=str(incoming))
        with tempfile.TemporaryFile() as errors, ended(git.start("index-pack", "--stdin", stderr=errors)) as process:
            to_git, from_git = pipes(process)
            with contextlib.suppress(BrokenPipeError):
                for piece in pack:
                    to_git.write(piece)
                to_git.close()
            from_git.read()
            if process.wait():
                errors.seek(0)
                reason = plain(errors.read(4096)) or f"git ended with status {process.returncode}"
                raise InfrastructureError(f"'{shown(bytes(self.root))}' cannot take the objects: {reason}", hint="Is the disk full?")

    def _sync(self, ref: str) -> None:
        """Make the names durable through which a ref is found; git has synced the files."""
        place = self.folder / ref
        for folder in (*place.parents, self.folder / "reftable"):
            if folder.is_relative_to(self.folder) and folder.is_dir():
                sync_folder(folder)


def allowed(ref: str) -> bool:
    """Whether git allows a ref of this full name."""
    return Git(Path("/"), Path(os.devnull)).run("check-ref-format", ref).ok


@contextlib.contextmanager
def machine() -> Iterator[None]:
    """What the system refuses is told as an InfrastructureError."""
    try:
        yield
    except OSError as problem:
        raise InfrastructureError(
            f"the target repository cannot be worked on: {problem.strerror or problem}", hint="May this user write to it? Is the disk full?"
        ) from problem


def _top(repository: Repository, path: Path) -> Path:
    """The shared git directory of the repository whose top `path` is."""
    common, own, inside, prefix = (
        repository.git.run("rev-parse", "--path-format=absolute", word).out.removesuffix(b"\n")
        for word in ("--git-common-dir", "--absolute-git-dir", "--is-inside-git-dir", "--show-prefix")
    )
    if own == bytes(path.resolve()) if inside == b"true" else not prefix:
        return Path(os.fsdecode(common))
    raise UsageError(
        f"'{shown(bytes(path))}' is inside the repository '{shown(bytes(repository.root))}', and not its top",
        hint=f"Name the repository itself: git:{shown(bytes(repository.root))}",
    )


def _named(ref: str) -> str:
    return plain(os.fsencode(ref))


def _fenced(fence: Fence) -> Fenced:
    return Fenced(f"somebody else has taken over run {fence.run}; nothing was moved from here")


def refuse_lock(answer: Answer) -> None:
    """Say so when a lock of somebody else was in the way."""
    if (found := _LOCK.search(answer.err)) is not None:
        file = shown(found[1])
        raise InfrastructureError(
            f"'{file}' locks what is to be moved, and has for {_PATIENCE // 1000} s",
            hint=f"A git that was killed leaves such a file. If no git is at work there: rm '{file}'",
        )
