"""Where a change starts, known before anything of it is read: the base's policy says how much may be read."""

from runner.changes.read import is_range, is_single_revision
from runner.changes.revision import fork_of
from runner.changes.sides import Base, base_of
from runner.git.objects import PrivateObjects


def start_of(spec: str, *, objects: PrivateObjects, base: str | None) -> Base:
    """The base of the change named by `spec`, as `read_change` will take it; raises UsageError when there is none."""
    if is_range(spec):
        return base_of(objects, spec.partition("..")[0] or "HEAD")
    if base is None and is_single_revision(spec):
        return fork_of(objects, spec, objects.resolve(spec))
    return base_of(objects, base)
