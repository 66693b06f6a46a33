"""Who made a change, by the word of git: a claim that anybody can write, so it may tighten and never loosen."""

from runner.changes.kinds import Kind, kind_of
from runner.changes.revision import head_of_range
from runner.git.objects import PrivateObjects

_MOST = 200


def claimed_by(spec: str | None, *, objects: PrivateObjects, kind: Kind | None = None) -> str:
    """The e-mail address of the author of the newest commit of a revision or range; empty where no commit is given."""
    taken = kind_of(spec, kind)
    if spec is None or taken not in (Kind.REVISION, Kind.RANGE):
        return ""
    return objects.author_of(objects.resolve(head_of_range(spec) if taken is Kind.RANGE else spec))[:_MOST]
