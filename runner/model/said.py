"""What runs ask of people, and what people said to them."""

from typing import Annotated, Final

from pydantic import StringConstraints

from runner.model.text import cut, printable
from runner.model.value import Value

VERBS: Final = {
    "approve": "run approve",
    "deny": "run deny",
    "confirm": "confirm",
    "rollback": "rollback",
}
"""What may be said to a run that waits for a person, and the command that says it."""
_LONGEST: Final = 600


class Said(Value):
    """The word of a person about a run: `verb` is `approve`, `deny`, `cancel`, `confirm` or `rollback`, `at` ISO 8601 in UTC."""

    verb: Annotated[str, StringConstraints(max_length=32)]
    who: str
    reason: str
    at: str


def typed(run: str, verbs: tuple[str, ...], flag: str = "") -> tuple[str, ...]:
    """The commands by which a person says one of these to a run; `flag` is what names the server, where it must be named."""
    return tuple(f'seatrial {VERBS[verb]} {run} --reason "..."{flag}' for verb in verbs if verb in VERBS)


def sentence(said: Said) -> str:
    """What somebody said, in a line that may be shown anywhere: names and reasons are anybody's text."""
    who = cut(printable(said.who), 200) or "somebody"
    return f"{printable(said.verb)} by {who} at {printable(said.at)}: {cut(printable(said.reason), _LONGEST)}"
