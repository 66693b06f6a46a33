"""What commits look like in numbers, and what a repository's history says of them."""

from collections.abc import Iterable, Mapping
from math import log1p, log2
from typing import NamedTuple

MAD_FLOOR = 0.1
"""A history of commits that are all alike must not make the next one infinitely strange."""
_CONSISTENT = 0.6745
"""The median absolute deviation of a normal distribution, in standard deviations (Iglewicz and Hoaglin, 1993)."""


class Touch(NamedTuple):
    """One file of a commit or change; lines are 0 for binary files."""

    path: bytes
    added: int
    deleted: int
    gone: bool = False
    binary: bool = False


class Spread(NamedTuple):
    """Median and median absolute deviation of log1p values."""

    median: float
    deviation: float

    def z(self, value: float) -> float:
        """The robust z-score of a value (not yet logarithmic): 0.6745 (x - median) / MAD."""
        return _CONSISTENT * (log1p(value) - self.median) / max(self.deviation, MAD_FLOOR)


class Known(NamedTuple):
    """What the history says of one file: commits that touched it, the time of the last in seconds since 1970, and by how many people."""

    times: int
    last: float
    people: int


class Past(NamedTuple):
    """The history that a change is compared with."""

    commits: int = 0
    newest: float = 0.0
    """Time of the last commit, seconds since 1970."""
    spread: Mapping[str, Spread] = {}
    """By feature, of the commits."""
    files: Mapping[bytes, Known] = {}
    """Of those that were asked for, the files that the history knows."""


def features(files: Iterable[Touch]) -> dict[str, float]:
    """How large and how scattered a commit is (Kamei et al. 2013: LA, LD, NF, ND, NS, entropy), and how many files it removes."""
    files = list(files)
    folders = {file.path.rpartition(b"/")[0] for file in files}
    return {
        "lines added": sum(file.added for file in files),
        "lines deleted": sum(file.deleted for file in files),
        "files": len(files),
        "folders": len(folders),
        "top folders": len({folder.partition(b"/")[0] for folder in folders}),
        "scatter": entropy([file.added + file.deleted for file in files]),
        "files removed": sum(file.gone for file in files),
        "binary files": sum(file.binary for file in files),
    }


def about_files(known: Iterable[Known], now: float) -> dict[str, float]:
    """What touched files are like: the most commits and people that one of them has seen, and the days since one was last touched."""
    known = list(known)
    return {
        "commits to one of its files": max((file.times for file in known), default=0),
        "people at one of its files": max((file.people for file in known), default=0),
        "days since its files were touched": max((max(now - file.last, 0.0) / 86400 for file in known), default=0.0),
    }


def entropy(counts: list[int]) -> float:
    """How evenly lines are spread over files, in bits: 0 for one file, log2(n) for n files alike."""
    total = sum(counts)
    return -sum(count / total * log2(count / total) for count in counts if count) if total else 0.0


def spread(values: Iterable[float]) -> Spread:
    """Median and MAD of the values' logarithms; of none, zeros."""
    logs = sorted(log1p(value) for value in values)
    middle = _median(logs)
    return Spread(middle, _median(sorted(abs(value - middle) for value in logs)))


def _median(ordered: list[float]) -> float:
    if not ordered:
        return 0.0
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
