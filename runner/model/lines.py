"""Which lines of a change are new, and which removed file an added one was made from."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from runner.model.change import FileChange, Status

_LINE_END = re.compile(r"\r\n|\r|\n")
_ALIKE = 0.5
"""The share of lines that an added file has in common with a removed one when it counts as renamed."""
_MOST_PAIRS = 2000
MOST_BYTES = 2 * 2**20
"""Larger files are data."""
MOST_TOGETHER = 32 * 2**20
"""Bytes of both sides of a change that are in memory at once: a patch of one megabyte can stand for a thousand of them."""


def lines(content: bytes) -> list[str]:
    """The lines as editors number them; bytes that are not UTF-8 are read as Latin-1."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return _LINE_END.split(text)


def new_lines(old: bytes, new: bytes) -> list[tuple[int, str]]:
    """Number and text of the lines that `new` has more often than `old`; moved and re-indented lines are not new."""
    known = Counter(line.strip() for line in lines(old))
    fresh = []
    for number, line in enumerate(lines(new), 1):
        bare = line.strip()
        if known[bare] > 0:
            known[bare] -= 1
        elif bare:
            fresh.append((number, line))
    return fresh


def within(files: Iterable[FileChange]) -> tuple[list[FileChange], list[FileChange]]:
    """The files that are no data by their size, as many as may be read together, and those that are left then."""
    small: list[FileChange] = []
    left: list[FileChange] = []
    total = 0
    for file in files:
        if max(file.old_size, file.new_size) <= MOST_BYTES:
            total += file.old_size + file.new_size
            (small if total <= MOST_TOGETHER else left).append(file)
    return small, left


def sources(files: Iterable[FileChange], contents: Mapping[str, bytes]) -> dict[str, str]:
    """For each path the blob that it was made from: its own on the base, or that of the removed file it is most like.

    `contents` are the blobs that were read; a path that is new, like nothing that is gone, is left out.
    """
    files = [file for file in files if file.old_blob in contents or file.new_blob in contents]
    made = {file.path: file.old_blob for file in files if file.status not in (Status.ADDED, Status.DELETED) and file.old_blob in contents}
    gone = [file for file in files if file.status is Status.DELETED and file.old_blob in contents]
    added = [file for file in files if file.status is Status.ADDED and file.new_blob in contents]
    if not gone or len(gone) * len(added) > _MOST_PAIRS:
        exact = {file.old_blob for file in gone}
        return made | {file.path: file.new_blob for file in added if file.new_blob in exact}
    bags = {file.old_blob: Counter(line.strip() for line in lines(contents[file.old_blob])) for file in gone}
    for file in added:
        mine = Counter(line.strip() for line in lines(contents[file.new_blob]))
        likeness, blob = max((_likeness(mine, bag), blob) for blob, bag in bags.items())
        if likeness >= _ALIKE:
            made[file.path] = blob
    return made


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """The share of common lines in the longer of the two, blank ones left out."""
    longer = max(one.total() - one[""], other.total() - other[""])
    return ((one & other).total() - min(one[""], other[""])) / longer if longer else 0.0
