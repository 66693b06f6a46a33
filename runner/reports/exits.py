"""The exit codes of the command line (DESIGN §9): the one table of them, which costs no heavy import."""

import signal
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from runner.errors import ChangeRefused, PolicyInvalid, SeatrialError, Terminated, UsageError, machine_at_fault

if TYPE_CHECKING:
    from runner.model.result import Decision


class Exit(IntEnum):
    """What a calling program learns without reading anything."""

    ACCEPTED = 0
    REJECTED = 1
    USAGE = 2
    HELD = 3
    INFRASTRUCTURE = 4
    ROLLED_BACK = 5
    STUCK = 6
    BUG = 70
    REFUSED = 75
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


_SIGNALS = 128
_ENDINGS: Final[dict[str, Exit]] = {
    "accepted": Exit.ACCEPTED,
    "confirmed": Exit.ACCEPTED,
    "rolled_back": Exit.ROLLED_BACK,
    "stuck": Exit.STUCK,
    "expired": Exit.HELD,
    "rejected": Exit.REJECTED,
    "refused": Exit.REFUSED,
    "failed": Exit.INFRASTRUCTURE,
    "cancelled": Exit.INTERRUPTED,
}


def exit_of(decision: "Decision") -> Exit:
    """The exit code of a run with this decision; what is neither ended nor held for a person is a bug."""
    if decision.ending is not None:
        return _ENDINGS[decision.ending.value]
    return Exit.HELD if decision.verdict == "hold" else Exit.BUG


def exit_of_problem(problem: BaseException) -> int:
    """The exit code of a command that this ended."""
    if isinstance(problem, (UsageError, PolicyInvalid)):
        return Exit.USAGE
    if isinstance(problem, ChangeRefused):
        return Exit.REJECTED
    if isinstance(problem, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(problem, Terminated):
        return _SIGNALS + problem.number
    return Exit.INFRASTRUCTURE if isinstance(problem, SeatrialError) or machine_at_fault(problem) else Exit.BUG


def was_stopped(problem: BaseException) -> bool:
    """Whether somebody asked for this end: Ctrl-C, or a signal."""
    return isinstance(problem, (KeyboardInterrupt, Terminated))


def signal_of(problem: BaseException) -> int:
    """The number of the signal that asked for this end."""
    return problem.number if isinstance(problem, Terminated) else signal.SIGINT
