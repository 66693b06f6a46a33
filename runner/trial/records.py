"""Pieces that every reader of a suite's report needs: hostile values made harmless, and channels that must agree."""

import math
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.model.sandbox import Execution
from runner.model.suite import Stop, TestRecord, Usage

MOST_TESTS = 200_000
LONGEST_ID = 4096
LONGEST_TEXT = 8192
"""Bytes of one failure text."""
MOST_TEXT = 16 * 2**20
"""Characters of all failure texts of one run; what comes later is left out."""
MOST_NOTES = 5
_FULL = re.compile(r"(?:No space left on device|Disk quota exceeded|File too large)(?:: '([^'\n]{1,500})')?")


def text(value: object, most: int = LONGEST_TEXT) -> str:
    """The end of a text, at most `most` bytes of UTF-8; empty for anything that is no text."""
    if not isinstance(value, str):
        return ""
    return value[-most:].encode("utf-8", "backslashreplace")[-most:].decode("utf-8", "ignore")


def word(value: object, most: int = LONGEST_ID) -> str | None:
    """A name of at most `most` characters; `None` for anything else."""
    if not isinstance(value, str) or not value or len(value) > most:
        return None
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def count(value: object) -> int | None:
    """A number of things, `None` for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9 else None


def seconds(value: object) -> float:
    """A duration in seconds; 0 for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) and 0 <= number <= 10**7 else 0.0


def relative(value: object) -> str:
    """A path inside the working copy; empty for what lies outside or is no path."""
    name = word(value)
    if name is None:
        return ""
    path = PurePosixPath(name)
    return "" if path.is_absolute() or ".." in path.parts or str(path) == "." else str(path)


def words(value: object, most: int) -> list[str]:
    """The usable names of a list, at most `most`."""
    if not isinstance(value, list):
        return []
    return [name for item in value[:most] if (name := word(item)) is not None]


def worse(one: TestRecord, other: TestRecord) -> TestRecord:
    """The record with the worse outcome."""
    return max(one, other, key=lambda record: record.outcome.rank)


class Notes:
    """What does not agree: every kind of note once, the first few in words, all of them counted."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}

    def add(self, kind: str, note: str) -> None:
        """Keep the first note of each kind."""
        self._notes.setdefault(kind, note)

    def __bool__(self) -> bool:
        return bool(self._notes)

    def __str__(self) -> str:
        shown = list(self._notes.values())[:MOST_NOTES]
        return "; ".join(shown)


def note_channels(notes: Notes, execution: Execution, said: int | None) -> None:
    """Compare what the engine, the launcher inside and the session (`said`, where there is one) say about the end."""
    if execution.stop is not Stop.EXITED:
        notes.add("stop", f"the suite was stopped: {execution.stop.value}")
        return
    if execution.exit_code is None:
        notes.add("exit", "the engine gave no exit status")
    elif execution.child_status != execution.exit_code:
        told = "none" if execution.child_status is None else str(execution.child_status)
        notes.add("exit", f"the container ended with status {execution.exit_code}, its launcher reported {told}")
    elif said is not None and said != execution.exit_code:
        notes.add("exit", f"the session said status {said}, the process ended with {execution.exit_code}")
    if execution.garbage:
        notes.add("garbage", f"{execution.garbage} lines of the report are no records")
    if execution.survivors:
        notes.add("survivors", f"{execution.survivors} processes were still alive when the suite had ended")


def with_disk_full(usage: Usage, texts: Iterable[str]) -> Usage:
    """Usage that names what ran out of room, when failure texts say so and the engine did not see it."""
    found = [] if usage.disk_full else [match[1] for item in texts for match in _FULL.finditer(item)]
    if not found:
        return usage
    return usage.model_copy(update={"disk_full": next(filter(None, found), None) or "a file system"})


def numbered(ids: Iterable[str]) -> list[str]:
    """The ids, where one repeats with `#2`, `#3` … after it."""
    seen: dict[str, int] = {}
    result = []
    for name in ids:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result


class Told(NamedTuple):
    """What a report said: its tests, and why it is no complete evidence (empty when it is)."""

    tests: tuple[TestRecord, ...] = ()
    problem: str = ""
