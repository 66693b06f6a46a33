"""The user's repository, which is only ever read: where its objects are, and what its revisions mean."""

import contextlib
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.git.command import Answer, Git, executable, plain

if TYPE_CHECKING:
    from runner.git.worktree import WorkTree

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SUFFIX = r"(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?"
_DOTTED = re.compile(rf"(?<![\d.])(\d+(?:\.\d+)+{_SUFFIX})")
_NUMBER = re.compile(rf"(?:^|[^0-9a-z.])v?(\d+{_SUFFIX})$")
_ODD_BYTES = re.compile(r"[\udc80-\udcff]")
"""How Python spells bytes of a name that are not UTF-8."""
_PUBLISHED = ("refs/heads", "refs/tags", "refs/remotes/origin")
_HINT_REPO = "Run inside a repository, or name one with --repo."


@dataclass(frozen=True)
class Repository:
    """A repository that git agrees to read; `objects` is its object directory, shared by its work trees."""

    git: Git
    objects: Path
    shallow: bool
    object_format: str

    @property
    def root(self) -> Path:
        """What the repository is called by: the folder of its main work tree, or its own where it has none; the same for all work trees."""
        own = self.objects.parent
        return own.parent if own.name == ".git" else own

    @cached_property
    def _resolved(self) -> dict[str, str]:
        """What was resolved before: one run sees one state of the repository, whoever moves a branch meanwhile."""
        return {}

    def resolve(self, revision: str) -> str:
        """The commit id that a revision names, the same for as long as this object lives; raises UsageError when there is none."""
        if revision not in self._resolved:
            self._resolved[revision] = self._resolve(revision)
        return self._resolved[revision]

    def _resolve(self, revision: str) -> str:
        if not revision or revision.startswith("-") or not _ODD_BYTES.sub("", revision).isprintable():
            raise UsageError(f"{revision!a} is not a revision", hint="Give a branch, a tag or a commit id.")
        answer = self.git.run("rev-parse", "--verify", f"{revision}^{{commit}}")
        found = answer.out.decode("ascii", "replace").strip()
        if answer.ok and _SHA.fullmatch(found):
            return found
        raise self._unknown(revision, answer)

    def _unknown(self, revision: str, answer: Answer) -> UsageError:
        if not self.git.run("rev-parse", "--verify", "--quiet", "HEAD").ok and revision == "HEAD":
            return UsageError("the repository has no commit yet", hint="Commit something first, or name a base with --base.")
        if self.shallow:
            return UsageError(
                f"this shallow clone does not have '{revision}'",
                hint="Fetch more history with `git fetch --unshallow` (in CI: fetch depth 0).",
            )
        return UsageError(
            f"there is no revision '{revision}' in the repository ({answer.reason})", hint="See `git log` and `git branch -a`."
        )

    @cached_property
    def head_ref(self) -> str:
        """The full name of the ref that is checked out; empty when that is no branch."""
        answer = self.git.run("symbolic-ref", "--quiet", "HEAD")  # not --short, which adds to the name when a tag is called the same
        return os.fsdecode(answer.out.removesuffix(b"\n")) if answer.ok else ""

    @cached_property
    def branch(self) -> str:
        """The branch that is checked out, for people, or `HEAD`."""
        return plain(os.fsencode(self.head_ref.removeprefix("refs/heads/"))) or "HEAD"

    @cached_property
    def work_tree(self) -> "WorkTree":
        """The work tree that this was opened in; raises UsageError when there is none."""
        from runner.git.worktree import open_work_tree

        return open_work_tree(self.git)

    @cached_property
    def _merged(self) -> dict[tuple[str, str], str | None]:
        return {}

    def merge_base(self, one: str, other: str) -> str | None:
        """The last commit that two commits have in common; `None` when there is none, or a shallow clone lacks it."""
        if (one, other) not in self._merged:
            answer = self.git.run("merge-base", one, other)
            found = answer.out.decode("ascii", "replace").strip()
            self._merged[one, other] = found if answer.ok and _SHA.fullmatch(found) else None
        return self._merged[one, other]

    def is_behind(self, commit: str, later: str) -> bool:
        """Whether a commit is in the history of what a revision names, or is it."""
        return self.git.run("merge-base", "--is-ancestor", commit, later).ok

    def is_published(self, commit: str) -> bool:
        """Whether a commit is in the history of HEAD, of a branch or of a tag, here or where this was cloned from; those of forks are in none."""
        if self.is_behind(commit, "HEAD"):
            return True
        answer = self.git.run("for-each-ref", "--count=1", "--format=%(refname)", f"--contains={commit}", *_PUBLISHED)
        return answer.ok and bool(answer.out.strip())

    @cached_property
    def upstream(self) -> str | None:
        """The full name of the ref that the checked-out branch follows; `None` without one, even when the ref itself is gone."""
        if not self.head_ref:
            return None
        answer = self.git.run("for-each-ref", "--format=%(upstream)", self.head_ref)
        return os.fsdecode(answer.out.strip()) or None if answer.ok else None

    def refs(self, *names: str) -> dict[str, str]:
        """Which of these full names are refs: name to the short name of what it stands for, in the order asked for."""
        answer = self.git.run("for-each-ref", "--format=%(refname)%00%(symref:short)%00%(refname:short)%00", *names)
        fields = [os.fsdecode(field) for field in answer.out.replace(b"\0\n", b"\0").split(b"\0")]
        known = {ref: target or short for ref, target, short in zip(fields[::3], fields[1::3], fields[2::3], strict=False)}
        return {name: known[name] for name in names if name in known}

    def describe(self, commit: str) -> str:
        """The release of the last tag before a commit that looks like one, or `0.0.0`; the same for every commit up to the next."""
        answer = self.git.run("describe", "--tags", "--abbrev=0", "--match", "*[0-9]*", commit)
        return version_of(answer.out.decode("utf-8", "replace").strip()) if answer.ok else "0.0.0"


def version_of(tag: str) -> str:
    """The PEP 440 release that a tag names, or `0.0.0`.

    >>> version_of("release-v1.2.3")
    '1.2.3'
    """
    text = re.sub(r"(?<=\d)_(?=\d)", ".", tag.lower())
    found = _DOTTED.search(text) or _NUMBER.search(text)
    return found[1] if found else "0.0.0"


def open_repository(path: Path, home: Path) -> Repository:
    """The repository that holds `path`; raises UsageError when there is none or git distrusts its owner. `home` is an empty directory."""
    if not path.is_dir():
        raise UsageError(f"'{path}' is not a directory", hint=_HINT_REPO)
    git = Git(path, home)
    answer = _locate(git)
    if b"dubious ownership" in answer.err:
        git = _trusted(git, answer)
        answer = _locate(git)
    if not answer.ok:
        if b"not a git repository" in answer.err:
            raise UsageError(f"'{path}' is not in a git repository", hint=_HINT_REPO)
        raise UsageError(f"git cannot read the repository at '{path}': {answer.reason}", hint=_HINT_REPO)
    # From the right: a directory may have a newline in its name.
    objects, shallow, object_format = answer.out.removesuffix(b"\n").rsplit(b"\n", 2)
    return Repository(git, Path(os.fsdecode(objects)), shallow == b"true", object_format.decode())


def _locate(git: Git) -> Answer:
    return git.run("rev-parse", "--path-format=absolute", "--git-path", "objects", "--is-shallow-repository", "--show-object-format")


def _trusted(git: Git, refusal: Answer) -> Git:
    """The same git, told to trust exactly the directory it refused, if the user's own configuration already does."""
    named = re.search(rb"in repository at '(.*)'", refusal.err)
    refused = os.fsdecode(named[1]) if named else str(git.directory.resolve())
    trusted = _safe_directories()
    if not any(_covers(entry, refused) for entry in trusted):
        raise UsageError(
            f"git distrusts the repository at '{refused}', because somebody else owns it",
            hint=f"If you trust it: git config --global --add safe.directory {refused}",
        )
    return Git(git.directory, git.home, git.env, (*git.config, f"safe.directory={refused}"))


def _covers(entry: str, directory: str) -> bool:
    return entry == "*" or entry.rstrip("/") == directory or (entry.endswith("/*") and directory.startswith(entry[:-1]))


def _safe_directories() -> list[str]:
    """What the user's and the system's own configuration call safe; an empty entry clears those before it, as in git."""
    entries: list[str] = []
    for scope in ("--system", "--global"):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
            asked = [executable(), "config", scope, "--null", "--type=path", "--get-all", "safe.directory"]
            answer = subprocess.run(asked, cwd="/", env=own, capture_output=True, timeout=10, check=False)
            for entry in answer.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]:
                entries = [*entries, entry] if entry else []
    return entries
