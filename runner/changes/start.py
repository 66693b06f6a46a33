"""Where a change starts, known before anything of it is read: the base's policy says how much may be read."""

from runner.changes.kinds import Kind, kind_of
from runner.changes.revision import base_of_range, fork_of
from runner.changes.sides import Base, base_of
from runner.git.objects import PrivateObjects


def start_of(spec: str | None, *, objects: PrivateObjects, base: str | None, kind: Kind | None = None) -> Base:
    """The base of the change named by `spec`, as `read_change` will take it; raises UsageError when there is none."""
    taken = kind_of(spec, kind)
    if spec is None:
        from runner.changes.work import base_of_work

        return base_of_work(objects, base).base
    if taken is Kind.RANGE:
        return base_of_range(objects, spec)
    if taken is Kind.REVISION and base is None:
        return fork_of(objects, spec, objects.resolve(spec))
    return base_of(objects, base)
