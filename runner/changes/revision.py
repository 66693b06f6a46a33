"""A change that is in the repository already: one revision, `A..B` or `A...B`."""

from runner.changes.caps import Caps
from runner.changes.sides import Base, base_of, change_of, head_label, label
from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change


def from_range(spec: str, *, objects: PrivateObjects, caps: Caps) -> Change:
    """The change from A, or for `A...B` from where B left A, to the tree of B; an empty side is HEAD."""
    right = _sides(spec)[1]
    commit = objects.resolve(right)
    head = head_label(objects, right, commit)
    return change_of(objects, base_of_range(objects, spec), objects.tree_of(commit), kind="range", source=spec, head=head, caps=caps)


def base_of_range(objects: PrivateObjects, spec: str) -> Base:
    """A of `A..B`, the last commit in common of `A...B`; raises UsageError when there is none."""
    left, right, fork = _sides(spec)
    start = base_of(objects, left)
    if not fork:
        return start
    common = objects.repository.merge_base(start.commit, objects.resolve(right))
    if common is None:
        raise UsageError(
            f"'{left}' and '{right}' have no commit in common",
            hint="Write A..B to compare them as they are (in a shallow clone, fetch more).",
        )
    return Base(common, label(objects.repository.branch if left == "HEAD" else left, common))


def head_of_range(spec: str) -> str:
    """The revision on the far side of a range."""
    return _sides(spec)[1]


def _sides(spec: str) -> tuple[str, str, bool]:
    """Both sides, and whether the fork of the two is meant."""
    dots = "..." if "..." in spec else ".."
    left, _, right = spec.partition(dots)
    return left or "HEAD", right or "HEAD", dots == "..."


def from_revision(spec: str, *, objects: PrivateObjects, base: str | None, caps: Caps) -> Change:
    """The change from the base named, or else from where the revision left what is checked out, to the revision's tree."""
    commit = objects.resolve(spec)
    start = base_of(objects, base) if base is not None else fork_of(objects, spec, commit)
    head = head_label(objects, spec, commit)
    return change_of(objects, start, objects.tree_of(commit), kind="revision", source=spec, head=head, caps=caps)


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
