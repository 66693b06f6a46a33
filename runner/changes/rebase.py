"""Puts a change upon another base, exactly or not at all."""

from runner.errors import ChangeRefused
from runner.git.objects import PrivateObjects
from runner.model.change import Change


def rebased(change: Change, objects: PrivateObjects, base_tree: str, base_commit: str, label: str) -> Change:
    """The same patch upon `base_tree`; raises ChangeRefused with git's reason when it does not apply exactly, or changes nothing there."""
    tree = objects.apply(base_tree, objects.patch(change.base_tree, change.tree))
    if tree == base_tree:
        raise ChangeRefused(f"the change is in {label} already")
    files = objects.diff(base_tree, tree)
    patch_id = objects.patch_id(objects.patch(base_tree, tree))
    moved = {"base_commit": base_commit, "base_tree": base_tree, "tree": tree, "base_label": label, "files": files, "patch_id": patch_id}
    return Change(**{**{name: getattr(change, name) for name in Change.model_fields}, **moved})
