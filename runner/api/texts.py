"""Texts that clients send: what of them is taken at all."""

from typing import Annotated

from pydantic import Field

Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A line of text without control characters; half of a surrogate pair, which JSON can spell, is refused with them."""
Said = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
"""A reason, for the record: a line that is not blank."""
