"""The user's index and work tree as git sees them; both are only read, and no file of the work tree is opened here."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from runner.errors import ChangeRefused, InfrastructureError, UsageError
from runner.git.command import Git, ProcessLimits, executable
from runner.git.trees import Entry

_STAT = rb"  ctime: (\d+):(\d+)\n  mtime: (\d+):(\d+)\n  dev: \d+\tino: \d+\n  uid: \d+\tgid: \d+\n  size: (\d+)\tflags: [0-9a-f]+\n"
_LINE = re.compile(rb"(\S) (\d{6}) ([0-9a-f]{40,64}) ([0-3])\t([^\0]+)\0(?:" + _STAT + rb")?")
_LISTING = ("ls-files", "--stage", "-v", "-z")
_MOST_NAMES = 64 * 2**20
_SIZE_BITS = 2**32
_MARGIN = 10**7
_SECOND = 10**9
_LIMITS = ProcessLimits(cpu=60, wall=300.0, memory=2**30)


class Tracked(NamedTuple):
    """A path of the index, and what its file looked like when git last saw it equal; times in nanoseconds."""

    name: bytes
    entry: Entry
    pinned: bool
    """Git was told to take the index's word for it, or the sparse checkout leaves it out."""
    sparse: bool
    ctime: int = -1
    mtime: int = -1
    size: int = -1


@dataclass(frozen=True)
class WorkTree:
    """A work tree: `root` is its top directory, `indexed` when its index was written, in nanoseconds."""

    git: Git
    root: Path
    indexed: int
    modes_count: bool
    """Whether executable bits on disk mean anything (`core.fileMode`)."""
    links_count: bool
    """Whether symlinks are checked out as such (`core.symlinks`)."""

    def unchanged(self, known: Tracked, now: os.stat_result) -> bool:
        """Whether a file need not be read, as git decides it: nothing of it moved since well before the index was written."""
        seen = (now.st_mtime_ns, now.st_ctime_ns, now.st_size % _SIZE_BITS)
        if seen != (known.mtime, known.ctime, known.size):
            return False
        coarse = known.mtime % _SECOND == 0  # a file system that counts in seconds
        return known.mtime // _SECOND < self.indexed // _SECOND if coarse else known.mtime < self.indexed - _MARGIN

    def tracked(self) -> Iterator[Tracked]:
        """Every path of the index; raises UsageError when a merge is not resolved."""
        listing = self._listing(*_LISTING, "--debug")
        at = 0
        while at < len(listing):
            found = _LINE.match(listing, at)
            if found is None:
                raise InfrastructureError("the index cannot be read: git lists it in a form that is not known here")
            at = found.end()
            yield _tracked(found)

    def staged(self, base_tree: str) -> dict[bytes, Entry | None]:
        """What the index changes of a tree: path to entry, `None` where it has none."""
        listing = self._listing("diff-index", "--cached", "--ita-visible-in-index", "--raw", "--no-renames", "--no-abbrev", "-z", base_tree)
        fields = listing.split(b"\0")[:-1]
        changes: dict[bytes, Entry | None] = {}
        for head, path in zip(fields[::2], fields[1::2], strict=True):
            _, mode, _, blob, _ = head.decode("ascii").split(" ")
            changes[path] = None if mode == "000000" else Entry(mode, blob)
        return changes

    def untracked(self) -> list[bytes]:
        """Files and symlinks that are neither tracked nor ignored; a name that ends in `/` is a repository of its own."""
        ignore = _own_ignore_file(self.root)
        git = Git(self.root, self.git.home, self.git.env, (*self.git.config, f"core.excludesFile={ignore}"))
        answer = git.run("ls-files", "--others", "--exclude-standard", "-z", limits=_LIMITS, most=_MOST_NAMES)
        if answer.cut:
            raise ChangeRefused("there are too many untracked files to list", hint="Name what does not belong to the change in .gitignore.")
        if not answer.ok:
            raise InfrastructureError(f"git cannot list the untracked files: {answer.reason}")
        return answer.out.split(b"\0")[:-1]

    def _listing(self, *words: str) -> bytes:
        answer = self.git.run(*words)
        if not answer.ok:
            raise InfrastructureError(f"git cannot read the index: {answer.reason}", hint="`git status` tells more.")
        return answer.out


def _tracked(found: re.Match[bytes]) -> Tracked:
    tag, mode, blob, stage, name, *stat = found.groups()
    if stage != b"0":
        raise UsageError(
            f"a merge is not resolved: '{name.decode('utf-8', 'backslashreplace')}' has conflicts",
            hint="Resolve them and `git add` the files.",
        )
    entry = Entry(mode.decode(), blob.decode())
    pinned, sparse = tag.islower() or tag == b"S", tag in b"Ss"
    if stat[0] is None:
        return Tracked(name, entry, pinned, sparse)
    seconds_c, rest_c, seconds_m, rest_m, size = (int(word) for word in stat)
    return Tracked(name, entry, pinned, sparse, seconds_c * _SECOND + rest_c, seconds_m * _SECOND + rest_m, size)


def open_work_tree(git: Git) -> WorkTree:
    """The work tree that the directory of `git` is in; raises UsageError when there is none."""
    answer = git.run("rev-parse", "--path-format=absolute", "--show-toplevel", "--is-inside-work-tree", "--git-path", "index")
    if not answer.ok:
        raise UsageError(
            "this repository has no work tree here, so there is no uncommitted work to judge", hint="Name a change: a branch, A..B, a diff."
        )
    root, _, index = answer.out.removesuffix(b"\n").rpartition(b"\ntrue\n")
    top = Git(Path(os.fsdecode(root)), git.home, git.env, git.config)
    try:
        indexed = Path(os.fsdecode(index)).stat().st_mtime_ns
    except FileNotFoundError:
        indexed = 0
    told = dict(line.split(b"\n", 1) for line in _settings(top))
    return WorkTree(
        top, top.directory, indexed, modes_count=told.get(b"core.filemode") != b"false", links_count=told.get(b"core.symlinks") != b"false"
    )


def _settings(git: Git) -> list[bytes]:
    answer = git.run("config", "--null", "--type=bool", "--get-regexp", r"^core\.(filemode|symlinks)$")
    return [line for line in answer.out.split(b"\0") if b"\n" in line]


def _own_ignore_file(root: Path) -> str:
    """The user's own file of ignored names, which says what `git status` shows; only patterns are read from it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    asked = [executable(), "config", "--null", "--type=path", "--get", "core.excludesFile"]
    try:
        answer = subprocess.run(asked, cwd=root, env=own, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return os.devnull
    if answer.returncode == 0 and (named := os.fsdecode(answer.stdout.rstrip(b"\0"))):
        return str(root / named)
    home = own.get("XDG_CONFIG_HOME") or str(Path(own.get("HOME") or "/") / ".config")
    return str(Path(home) / "git" / "ignore")
