"""The token that a client shows: from a variable or a file, never from an argument, which every user of a machine can read."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runner.errors import UsageError

VARIABLE: Final = "SEATRIAL_TOKEN"
FILE: Final = "SEATRIAL_TOKEN_FILE"
_LONGEST: Final = 16 * 2**10
"""Characters: those that CI systems sign are long."""
_HINT: Final = (
    f"Set {VARIABLE}, or {FILE} to a file with the token; `seatrial token create NAME --scope submit --scope read` on the server makes one."
)


def token(env: Mapping[str, str] = os.environ) -> str:
    """The token of this process. Raises UsageError where there is none, or two; its text is in no message."""
    given, file = env.get(VARIABLE, ""), env.get(FILE, "")
    if given and file:
        raise UsageError(f"both {VARIABLE} and {FILE} are set", hint="Unset one of them.")
    found = (_read(Path(file)) if file else given).strip()
    where = f"the file that {FILE} names" if file else VARIABLE
    if not found:
        raise UsageError(f"{where} is empty" if file else "a server needs a token, and there is none", hint=_HINT)
    if len(found) > _LONGEST or not found.isascii() or not found.isprintable() or " " in found:
        raise UsageError(f"{where} holds no token", hint=_HINT)
    return found


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_LONGEST + 2).decode("ascii", "replace")
    except (OSError, ValueError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else "it is no path"
        raise UsageError(f"the file that {FILE} names cannot be read: {said}") from problem
