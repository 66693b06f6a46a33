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
    """The change that one commit makes to its first parent or, when a base is named, from that base's tree to its own."""
    commit = objects.resolve(spec)
    start = base_of(objects, base) if base is not None else parent_of(objects, spec, commit)
    return change_of(objects, start, objects.tree_of(commit), kind="revision", source=spec, caps=caps)


def parent_of(objects: PrivateObjects, spec: str, commit: str) -> Base:
    """The first parent of a commit, as the base of what the commit changes; raises UsageError when there is none."""
    parent = objects.parent_of(commit)
    if parent is None:
        raise UsageError(f"'{spec}' is the first commit, so there is nothing to compare it with", hint="Name a base with --base.")
    if objects.repository.shallow:
        parent = objects.resolve(f"{commit}^")  # the parent may be beyond the clone's edge: says so
    return Base(parent, label(f"{spec}^", parent))
