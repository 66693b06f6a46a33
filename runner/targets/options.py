"""The sections `promote` and `rollback` of the policy."""

from typing import Annotated, Literal

from pydantic import Field

from runner.model.globs import Glob
from runner.model.units import Duration
from runner.model.value import Value


class Command(Value):
    """A command of the operator on this host: an argument list, never a shell line. It must be safe to run twice."""

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    """The program and its arguments, e.g. [systemctl, restart, app]."""
    timeout: Annotated[Duration, Field(gt=0)] = 30.0
    """How long it may take; then it is ended, and counts as failed."""


class Push(Value):
    """Where a promoted ref is pushed to."""

    remote: Annotated[str, Field(min_length=1)]
    """A remote of the target's repository by name, or the address of one."""
    timeout: Annotated[Duration, Field(gt=0)] = 60.0
    """How long a push may take."""


class Promote(Value):
    """How an accepted change reaches its target; `seatrial check` looks at none of it."""

    after: Command | None = None
    """What makes the target use its new content, run after each promotion; where it fails, the promotion is taken back."""
    keep: tuple[Glob, ...] = ()
    """Paths of a live folder that belong to the service although the tree has them: never compared, replaced or restored."""
    when_base_moved: Literal["retry", "hold"] = "retry"
    """What follows when the target is not what the change was tried upon any more: retry on the new base, or hold."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How many bases a run tries before it holds."""
    worktree: Literal["refuse", "update_if_clean"] = "refuse"
    """What to do about a ref that is checked out in a work tree: refuse it, or bring the work tree along if it is clean."""
    push: Push | None = None
    """Where to push a promoted ref, with a lease on what it was; left out: nowhere."""


class Rollback(Value):
    """What happens when a promotion is taken back."""

    after: Command | None = None
    """What makes the target use its old content; left out: the command of `promote.after` again."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often it is tried before a person must act."""
    quarantine: Duration = 30 * 86400.0
    """How long a patch that was taken back is held when it comes to the same target again."""


class Hold(Value):
    """What becomes of a run that waits for a person."""

    expires: Annotated[Duration, Field(gt=0)] = 48 * 3600.0
    """How long it waits; then a run that was not promoted ends as expired, and a promoted one is taken back."""
