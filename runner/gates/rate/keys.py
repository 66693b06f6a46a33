"""Which counters a run is counted in: by target, author, and the folders that it touches."""

from collections.abc import Iterable, Iterator
from itertools import chain, product
from typing import Final, NamedTuple

from runner.gates.rate.options import Limit, Part
from runner.model.change import Change
from runner.model.keys import key_of
from runner.model.run import Author, Run

ROOT: Final = "."
NEW: Final = "*"
"""All folders that the base does not have, together: a change can make up any number of names. No name of git's trees collides: see `folders`."""
MOST_FOLDERS: Final = 100


class Key(NamedTuple):
    """The key of a log; one that is only read is what a claim names, which anybody can make."""

    key: str
    charged: bool = True


def folders(change: Change, known: Iterable[bytes]) -> tuple[str, ...]:
    """The first folder of each changed file, written `name/`; `.` for files of the root and `*` for folders that the base does not have."""
    names, known = {file.name for file in change.files}, frozenset(known)
    return tuple(sorted({_folder(name, known) for name in names}))


def _folder(name: bytes, known: frozenset[bytes]) -> str:
    first, slash, _ = name.partition(b"/")
    if not slash:
        return ROOT
    return f"{first.decode('utf-8', 'backslashreplace')}/" if first in known else NEW


def keys(limit: Limit, run: Run, touched: tuple[str, ...]) -> Iterator[Key]:
    """The counters that `limit` has for this run: one for each folder where it counts by path."""
    yield from (Key(key) for key in _keys(limit, run.target, run.author.name, touched))
    if "author" in limit.parts and claimed(run.author):
        yield from (Key(key, charged=False) for key in _keys(limit, run.target, run.author.claim, touched))


def claimed(author: Author) -> bool:
    """Whether git names somebody else than the one who was vouched for."""
    return bool(author.claim) and author.claim != author.name


def _keys(limit: Limit, target: str, author: str, touched: tuple[str, ...]) -> Iterator[str]:
    values: dict[Part, tuple[str, ...]] = {"target": (target,), "author": (author,), "path": touched}
    for chosen in product(*(values[part] for part in limit.parts)):
        yield key_of(*chain.from_iterable(zip(limit.parts, chosen, strict=True)))
