"""A change to a small repository, and the repository that it is promoted to."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import crashpoints
from runner.git.objects import PrivateObjects
from runner.git.trees import Entry
from runner.model.promotion import Promotion
from runner.targets.options import Promote
from runner.targets.ref import RefTarget
from runner.targets.spec import Spec

GitIn = Callable[..., str]
REF = "refs/heads/main"


@dataclass
class World:
    """Where a change lands: the tree `before` becomes `after`."""

    git_in: GitIn
    path: Path
    source: Path
    private: Path
    objects: PrivateObjects
    base: str
    before: str
    after: str
    ref: str = REF

    def target(self, **policy: Any) -> RefTarget:
        """The target under this policy, as another process would make it."""
        return RefTarget(Spec("git", self.path, self.ref), self.objects, Promote.model_validate_json(json.dumps(policy)))

    def promotion(self, run: str = "r1", **given: Any) -> Promotion:
        """The intent of a run."""
        fields: dict[str, Any] = {"before": self.before, "after": self.after, "base": self.base, "when": 1_700_000_000}
        fields["message"] = f"Land it\n\nSeatrial-Run: {run}\n"
        return Promotion(run=run, target=f"git:{self.path}#{self.ref}", **{**fields, **given})

    def git(self, *args: str) -> str:
        """What git says in the target."""
        return self.git_in(self.path, *args)

    @property
    def at(self) -> str:
        """The commit of the ref; empty without one."""
        return self.git("for-each-ref", "--format=%(objectname)", self.ref)

    def commit(self, files: dict[str, bytes], parent: str = "") -> str:
        """Somebody else commits to the ref, as over the network: no work tree is touched."""
        parent = parent or self.at
        changes = {name.encode(): Entry("100644", self.objects.write_blob(content)) for name, content in files.items()}
        tree = self.objects.rewrite(self.objects.tree_of(parent), changes)
        made = self.objects.commit(tree, parent, "theirs", who="B <b@example.org>", when=1_600_000_000)
        packed = b"".join(self.objects.packed(made, (parent,)))
        self.git_in(self.path, "unpack-objects", "-q", stdin=packed)
        self.git("update-ref", self.ref, made)
        return made

    def leftovers(self) -> list[str]:
        """Locks, halves of packs and the like in the target."""
        folder = Path(self.git("rev-parse", "--absolute-git-dir"))
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.suffix == ".lock" or p.name.startswith(("tmp_", ".tmp")))


@contextmanager
def world(git_in: GitIn, source: Path, path: Path, private: Path) -> Iterator[World]:
    """A change of two files, one added and one removed, from `source` to the repository at `path`."""
    with PrivateObjects(source, private, others=(path,)) as objects:
        base = objects.resolve("HEAD")
        before = objects.tree_of(base)
        changes = {
            b"a.txt": Entry("100644", objects.write_blob(b"one\n2\nthree\n")),
            b"new/file.txt": Entry("100755", objects.write_blob(b"new\n")),
            b"run.sh": None,
        }
        yield World(git_in, path, source, private, objects, base, before, objects.rewrite(before, changes))


@contextmanager
def hooked(hook: Callable[[str], None]) -> Iterator[None]:
    """A function at every marker."""
    crashpoints.hook = hook
    try:
        yield
    finally:
        crashpoints.hook = None


def in_a_child(work: Callable[[], None], hook: Callable[[str], None] = lambda _: None) -> int:
    """Do it in a forked process and do not wait for it; its id. It ends with 0, or with 9 for any error."""
    child = os.fork()
    if child:
        return child
    try:
        crashpoints.hook = hook
        work()
    except BaseException:  # noqa: BLE001
        os._exit(9)
    os._exit(0)


def killed_at(marker: str, work: Callable[[], None], how: int = signal.SIGKILL) -> bool:
    """Do it in a process that dies at a marker; whether it did."""
    child = in_a_child(work, lambda name: os.kill(os.getpid(), how) if name == marker else None)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
