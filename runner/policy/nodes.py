"""The policy file as it was written: texts, lists and maps that know their place."""

from collections.abc import Iterator
from dataclasses import dataclass

Place = tuple[int, int]
"""Line and column, both counted from 1."""
Path = tuple[str | int, ...]
"""The way from the root to a value: keys of maps, indices of lists."""


@dataclass(frozen=True)
class Text:
    """A scalar; `plain` tells that it was written without quotes, so that it may be a number or `true`."""

    place: Place
    text: str
    plain: bool


@dataclass(frozen=True)
class List:
    """A sequence."""

    place: Place
    items: "tuple[Node, ...]"


@dataclass(frozen=True)
class Entry:
    """A key of a map, where it stands, and its value."""

    key: str
    place: Place
    value: "Node"


@dataclass(frozen=True)
class Map:
    """A mapping, in the order of the file, without repeated keys."""

    place: Place
    entries: tuple[Entry, ...]


Node = Text | List | Map


@dataclass(frozen=True)
class Problem:
    """One fault and its place; `path` is empty for faults of the file as such."""

    place: Place
    path: Path
    what: str


@dataclass(frozen=True)
class Places:
    """Where the key and where the value of a path stand."""

    key: Place
    value: Place


def places(node: Node, path: Path = (), key: Place | None = None) -> Iterator[tuple[Path, Places]]:
    """Every path of the file and its places; items of lists have the place of their value for a key."""
    yield path, Places(key or node.place, node.place)
    if isinstance(node, Map):
        for entry in node.entries:
            yield from places(entry.value, (*path, entry.key), entry.place)
    elif isinstance(node, List):
        for index, item in enumerate(node.items):
            yield from places(item, (*path, index))


def written(path: Path) -> str:
    """A path as people write it: `validate.paths.deny[0]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def shown(text: object, most: int = 60) -> str:
    """A text of the file for a message: printable, bounded, on one line."""
    whole = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in str(text)[: most + 1])
    return whole if len(whole) <= most else whole[: most - 1] + "…"
