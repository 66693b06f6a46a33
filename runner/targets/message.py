"""What a commit of ours says: one line on the change, and the facts of its run as trailers; hostile texts become one harmless line each."""

from pathlib import PurePath
from typing import Final

from runner.model.change import Change
from runner.model.run import Run
from runner.model.text import cut, printable

_LONGEST_TITLE: Final = 72
_LONGEST_VALUE: Final = 200
_FILES: Final = ("diff", "edits", "overlay")
"""Kinds of changes that are called by a path, of which nobody elsewhere knows more than the end."""
REVERTS: Final = "Seatrial-Reverts"
"""The trailer of a commit that undoes another; its value is that one's id."""


def message(run: Run) -> str:
    """The message of the commit by which a run's change lands."""
    author = run.author
    facts = (
        ("Run", run.id),
        ("Change", run.change.id),
        ("Policy", run.policy.digest),
        ("Author", author.name or author.claim),
        ("Agent", author.agent),
        ("Ticket", author.ticket),
        ("Base", run.change.base_commit),
    )
    return f"{_line(_title(run.change), _LONGEST_TITLE)}\n\n{_trailers(tuple((f'Seatrial-{name}', value) for name, value in facts))}"


def undoing(said: str, run: str, commit: str) -> str:
    """The message of the commit that undoes `commit`, which said `said`, on top of what others have built on it."""
    title = _line(f"Take back: {said.partition(chr(10))[0]}", _LONGEST_TITLE)
    why = "It did harm, or was not confirmed in time. Work that was put on top of it is kept."
    return f"{title}\n\n{why}\n\n{_trailers(((REVERTS, commit), ('Seatrial-Run', run)))}"


def _title(change: Change) -> str:
    if change.kind in _FILES and change.source != "-":
        return f"Land {PurePath(change.source).name}"
    source = "the work tree" if change.source == "work tree" else "standard input" if change.source == "-" else change.source
    return f"Land {change.head_label or source}"


def _trailers(facts: tuple[tuple[str, str], ...]) -> str:
    lines = ((name, _line(value, _LONGEST_VALUE)) for name, value in facts)
    return "".join(f"{name}: {value}\n" for name, value in lines if value)


def _line(text: str, most: int) -> str:
    """Any text in one line that shows all that is in it."""
    return cut(printable(" ".join(text.split())), most)
