"""The verdict in a word, and the exit code in a sentence: what every format for people begins or ends with."""

from typing import Final

from runner.model.result import Ending, Verdict
from runner.model.run import State
from runner.reports.exits import Exit
from runner.reports.report import Report

_MEANINGS: Final = {
    Exit.ACCEPTED: "accepted",
    Exit.REJECTED: "rejected",
    Exit.HELD: "held: a person must look",
    Exit.INFRASTRUCTURE: "the machine is at fault; try again",
    Exit.ROLLED_BACK: "promoted, and taken back",
    Exit.STUCK: "stuck: a person must act",
    Exit.BUG: "a bug of Seatrial",
    Exit.REFUSED: "refused for now",
    Exit.HUNG_UP: "interrupted",
    Exit.INTERRUPTED: "interrupted",
    Exit.TERMINATED: "interrupted",
}


_PROMOTED: Final = (Ending.CONFIRMED, Ending.ROLLED_BACK, Ending.STUCK, Ending.EXPIRED)


def word(report: Report) -> str:
    """The ending of a promotion, else the verdict or, without one, the ending or state, e.g. `rolled back`, `accepted`, `held`, `failed`, `running`."""
    if report.ending in _PROMOTED:
        return report.ending.value.replace("_", " ")
    if report.verdict is Verdict.ACCEPT:
        return "accepted" if report.ending else "running"
    if report.verdict is Verdict.REJECT:
        return "rejected"
    if report.state is State.RUNNING:
        return "running"
    if report.verdict is Verdict.HOLD:
        return "held"
    return (report.ending or Ending.FAILED).value


def subject(report: Report) -> str:
    """What was judged, for people: the name of its head, or what was given where none was kept."""
    return report.change.head_label or report.change.source


def exit_sentence(report: Report) -> str:
    """What the command's exit code is and means; empty while the run goes on."""
    code = report.exit_code
    if code is None:
        return ""
    if report.ending is Ending.EXPIRED:
        return f"exit code {code}: nobody looked before the hold expired"
    if code == Exit.ACCEPTED and report.verdict is Verdict.HOLD:
        return "exit code 0: held, which does not fail the command (--fail-on reject)"
    return f"exit code {code}: {_MEANINGS[Exit(code)]}" if code in _MEANINGS else f"exit code {code}"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
