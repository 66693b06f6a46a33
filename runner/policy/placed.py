"""Takes the problems of a policy apart again, for programs."""

import re
from typing import Any, Final

from runner.policy.nodes import shown

_PLACED: Final = re.compile(r"(\d+):(\d+): (.*)", re.DOTALL)
_LONGEST: Final = 1000


def placed(file: str, line: str) -> dict[str, Any]:
    """`file:line:column: message` taken apart; line and column are null for a file that cannot be read at all."""
    rest = line.removeprefix(f"{shown(file, _LONGEST)}:")
    found = _PLACED.fullmatch(rest)
    return {
        "line": int(found[1]) if found else None,
        "column": int(found[2]) if found else None,
        "message": found[3] if found else rest.strip(),
    }
