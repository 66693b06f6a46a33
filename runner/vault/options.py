"""The section `backup` of the policy."""

from typing import Annotated, Final

from pydantic import Field

from runner.model.units import Duration, Size
from runner.model.value import Value

_DAY: Final = 86400.0


class Advanced(Value):
    """What seldom needs another value."""

    grace: Annotated[Duration, Field(ge=0)] = _DAY
    """How long a backup that no rule keeps stays marked before a later prune deletes it."""


class Options(Value):
    """How long backups of what targets were stay, and how much room they have. The newest good one of each target always stays."""

    keep_within: Annotated[Duration, Field(ge=0)] = 7 * _DAY
    """Backups made within this time, counted from now, stay."""
    keep_last: Annotated[int, Field(ge=1, le=100_000)] = 20
    """So many of the newest backups of each target stay, however old they are."""
    quota: Annotated[Size, Field(gt=0)] = 20 * 2**30
    """The most that all backups together may take, counted in blocks of 4 KiB; one that does not fit is not made, and none is deleted for it."""
    advanced: Advanced = Advanced()
    """What seldom needs another value."""
