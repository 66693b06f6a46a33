"""Where a run is, in a word and a tone: never by colour alone."""

from typing import Final, NamedTuple

from runner.store.runs import Record


class Fate(NamedTuple):
    """A word, and how it is shown: `good`, `hold`, `bad`, `busy` or `dull`."""

    word: str
    tone: str


_ENDINGS: Final = {
    "accepted": "good",
    "confirmed": "good",
    "rejected": "bad",
    "stuck": "bad",
    "failed": "bad",
    "rolled_back": "hold",
    "refused": "hold",
    "expired": "dull",
    "cancelled": "dull",
}
OUTCOMES: Final = {"pass": "good", "warn": "dull", "hold": "hold", "fail": "bad", "unknown": "hold", "refuse": "hold"}
"""How the outcome of a check is shown."""


def fate(record: Record) -> Fate:
    """Of a run by its row."""
    if record.ending:
        return Fate(record.ending.replace("_", " "), _ENDINGS.get(record.ending, "dull"))
    if record.waits and record.state == "running":
        return Fate("waiting", "hold")
    return Fate(record.state, "hold" if record.state == "held" else "busy")
