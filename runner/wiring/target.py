"""Which target a specification means."""

from runner.git.objects import PrivateObjects
from runner.ports import Target
from runner.targets.options import Promote
from runner.targets.spec import Spec


def target_of(spec: Spec, objects: PrivateObjects, options: Promote, run: str) -> Target:
    """The target, by its kind; `run` names the ref where none was given. Raises UsageError when there is no such thing."""
    if spec.kind == "git":
        from runner.targets.ref import RefTarget

        return RefTarget(spec.at(run), objects, options)
    from runner.targets.folder import FolderTarget

    return FolderTarget(spec.path, options.keep)
