"""A change that is in the repository already: one revision, or `A..B`."""

from runner.changes.caps import Caps
from runner.changes.sides import Base, base_of, change_of, label
from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change


def from_range(spec: str, *, objects: PrivateObjects, caps: Caps) -> Change:
    """The change from the tree of A to the tree of B; an empty side is HEAD."""
    if "..." in spec:
        raise UsageError(f"'{spec}' has three dots, which is not known here", hint="Write A..B, with A as the base.")
    left, _, right = spec.partition("..")
    tree = objects.tree_of(objects.resolve(right or "HEAD"))
    return change_of(objects, base_of(objects, left or "HEAD"), tree, kind="range", source=spec, caps=caps)


def from_revision(spec: str, *, objects: PrivateObjects, base: str | None, caps: Caps) -> Change:
    """The change from the base named, or else from where the revision left what is checked out, to the revision's tree."""
    commit = objects.resolve(spec)
    start = base_of(objects, base) if base is not None else fork_of(objects, spec, commit)
    return change_of(objects, start, objects.tree_of(commit), kind="revision", source=spec, caps=caps)


def fork_of(objects: PrivateObjects, spec: str, commit: str) -> Base:
    """Where a revision left what is checked out: all that came since is the change, and the policy is that of the fork.

    A revision that is part of what is checked out is compared with its first parent. Raises UsageError when there is no base.
    """
    head = objects.resolve("HEAD")
    fork = objects.repository.merge_base(head, commit)
    if fork is None:
        raise UsageError(
            f"'{spec}' has no commit in common with what is checked out", hint="Name a base with --base (in a shallow clone, fetch more)."
        )
    return parent_of(objects, spec, commit) if fork == commit else Base(fork, label(objects.repository.branch, fork))


def parent_of(objects: PrivateObjects, spec: str, commit: str) -> Base:
    """The first parent of a commit, as the base of what the commit changes; raises UsageError when there is none."""
    parent = objects.parent_of(commit)
    if parent is None:
        raise UsageError(f"'{spec}' is the first commit, so there is nothing to compare it with", hint="Name a base with --base.")
    if objects.repository.shallow:
        parent = objects.resolve(f"{commit}^")  # the parent may be beyond the clone's edge: says so
    return Base(parent, label(f"{spec}^", parent))
