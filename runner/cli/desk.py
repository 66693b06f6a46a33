"""Who does what a command asks for: this process, or the server that was named. Chosen here and nowhere else."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from runner.cli.settings import settings

if TYPE_CHECKING:
    from runner.ports import Progress
    from runner.reports.report import Report
    from runner.store.runs import Record

SERVER = "SEATRIAL_SERVER"


class Desk(Protocol):
    """Where runs are asked for, and asked about. `look` is the seconds between two looks at a run that goes on.

    `flag` is what a command about the same runs needs, with a space before it; empty where it needs nothing.
    """

    look: float
    flag: str

    def check(self, asked: Mapping[str, Any], progress: "Progress") -> "Report":
        """Judge a change; `asked` has the options of `seatrial check`."""

    def submit(self, asked: Mapping[str, Any], progress: "Progress") -> "Report":
        """Carry a change to its target, and wait; `asked` has the options of `seatrial submit`."""

    def leave(self, asked: Mapping[str, Any], progress: "Progress") -> str:
        """Submit a change and wait for nothing: the id of its run."""

    def records(self, limit: int) -> Sequence["Record"]:
        """The newest runs, newest first."""

    def record(self, run: str) -> "Record":
        """One run, with its report as JSON once there is one."""

    def landing(self, record: "Record") -> Iterable[str]:
        """Lines on where a submitted run without a report is."""

    def logs(self, run: str) -> dict[str, str]:
        """The ends of the suites' logs of a run."""

    def wait(self, run: str, seconds: float | None, progress: "Progress") -> "Report":
        """Wait until a run is held or has ended. Raises TimeoutError."""

    def decide(self, run: str, verb: str, who: str, reason: str, progress: "Progress") -> "Report":
        """Approve, deny, cancel, confirm or roll back a run, and wait for what comes of it."""

    def resume(self, run: str, progress: "Progress") -> "Report":
        """Go on with a run whose process died."""

    def retry(self, run: str, progress: "Progress") -> "Report":
        """Submit the change of a run that has ended once more, and wait."""


def desk() -> Desk:
    """The server that --server or SEATRIAL_SERVER names, else this process. Raises UsageError where it cannot be asked."""
    given = settings().server
    named = os.environ.get(SERVER, "") if given is None else given
    if not named:
        from runner.cli.desk_here import Here

        return Here()
    from runner.cli.desk_server import Server

    return Server(named, flag=given is not None)
