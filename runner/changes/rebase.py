"""Puts a change upon another base, exactly or not at all."""

from contextlib import suppress

from runner.errors import ChangeRefused
from runner.git.objects import PrivateObjects
from runner.model.change import Change


def rebased(change: Change, objects: PrivateObjects, base_tree: str, base_commit: str, label: str) -> Change:
    """The same patch upon `base_tree`; raises ChangeRefused with git's reason when it does not apply exactly, or is there already."""
    try:
        tree = objects.apply(base_tree, objects.patch(change.base_tree, change.tree))
    except ChangeRefused as refused:
        raise ChangeRefused(
            _why(change, objects, base_tree, label, str(refused)), hint="Make it against what the target holds."
        ) from refused
    if tree == base_tree:
        raise ChangeRefused(f"the change is in {label} already")
    files = objects.diff(base_tree, tree)
    patch_id = objects.patch_id(objects.patch(base_tree, tree))
    moved = {"base_commit": base_commit, "base_tree": base_tree, "tree": tree, "base_label": label, "files": files, "patch_id": patch_id}
    return Change(**{**{name: getattr(change, name) for name in Change.model_fields}, **moved})


def _why(change: Change, objects: PrivateObjects, base_tree: str, label: str, said: str) -> str:
    """What can be undone is there."""
    with suppress(ChangeRefused):
        objects.apply(base_tree, objects.patch(change.tree, change.base_tree))
        return f"the change is in {label} already"
    return f"the change does not apply to {label}, which is what the target holds: {said}"
