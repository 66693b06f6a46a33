"""What a process of the harness is told to do, and which fault it meets while it does so."""

import json
from pathlib import Path
from typing import Final, NamedTuple

KILL: Final = "kill"
EIO: Final = "EIO"
ENOSPC: Final = "ENOSPC"
STOP: Final = "stop"
RIVAL: Final = "rival"
SYNCED: Final = "synced"
"""Nothing happens, but it is written down what was not synced by then."""
FAULTS: Final = (KILL, EIO, ENOSPC)
"""What every marker is tried with."""


class Fault(NamedTuple):
    """What happens when a marker is passed for the `nth` time; nothing where `what` is empty."""

    what: str = ""
    marker: str = ""
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.what} at {self.marker}{f' ({self.nth}.)' if self.nth > 1 else ''}" if self.what else "no fault"


NO_FAULT: Final = Fault()


class Order(NamedTuple):
    """One process: what it does in the world of the folder `top`, and what goes wrong."""

    action: str
    top: str
    run: str = ""
    fault: Fault = Fault()
    plant: str = ""
    """The bug to plant, by its name in `testing.faults.planted`."""

    @property
    def folder(self) -> Path:
        """Where the world is."""
        return Path(self.top)

    def told(self) -> str:
        """As one line."""
        return json.dumps(self._asdict())

    @classmethod
    def heard(cls, line: str) -> "Order":
        """From such a line."""
        given = json.loads(line)
        return cls(**{**given, "fault": Fault(*given["fault"])})
