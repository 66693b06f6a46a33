"""The exit codes of the command line, and the one that a decision deserves (DESIGN §9)."""

from enum import IntEnum

from runner.model.result import Decision, Ending, Verdict


class Exit(IntEnum):
    """What a calling program learns without reading anything."""

    ACCEPTED = 0
    REJECTED = 1
    USAGE = 2
    HELD = 3
    INFRASTRUCTURE = 4
    BUG = 70
    REFUSED = 75
    INTERRUPTED = 130
    TERMINATED = 143


_ENDINGS = {
    Ending.ACCEPTED: Exit.ACCEPTED,
    Ending.REJECTED: Exit.REJECTED,
    Ending.REFUSED: Exit.REFUSED,
    Ending.FAILED: Exit.INFRASTRUCTURE,
    Ending.CANCELLED: Exit.INTERRUPTED,
}


def exit_of(decision: Decision) -> Exit:
    """The exit code of a run with this decision; what is neither ended nor held for a person is a bug."""
    if decision.ending is not None:
        return _ENDINGS[decision.ending]
    return Exit.HELD if decision.verdict is Verdict.HOLD else Exit.BUG
