"""How large a change may be before anything looks into it."""

from pydantic import Field

from runner.model.units import Size
from runner.model.value import Value

HARDEST = 64 * 2**20
"""Bytes of a patch that are ever read, whatever the policy says."""


class Caps(Value):
    """Caps that hold before a patch is parsed."""

    max_patch: Size = 2**20
    """Bytes of the patch; for revisions, of their canonical diff."""
    max_files: int = Field(default=1000, gt=0)
    """Files that the change touches."""
