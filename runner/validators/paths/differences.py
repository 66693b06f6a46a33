"""What differs between two structured files, key by key, in a form that is safe to print."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ABSENT = object()
"""Stands for a key that one side does not have."""


class Difference(NamedTuple):
    """One key that differs; `old` or `new` is ABSENT where the side does not have it."""

    keys: tuple[str, ...]
    old: Any
    new: Any

    @property
    def text(self) -> str:
        """Old and new value, printable and bounded: `"1.0" -> "1.1"`; of lists what is gone and what is added."""
        if isinstance(self.old, list) and isinstance(self.new, list):
            before, after = ({_canonical(item): item for item in side} for side in (self.old, self.new))
            gone = [item for text, item in before.items() if text not in after]
            added = [item for text, item in after.items() if text not in before]
            return f"without {_shown(gone)}, with {_shown(added)}" if gone or added else "another order or count"
        return f"{_shown(self.old)} -> {_shown(self.new)}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any], keys: tuple[str, ...] = ()) -> Iterator[Difference]:
    """The keys that differ, as deep as both sides are maps. May raise RecursionError on hostile depth."""
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        path = (*keys, key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from differences(before, after, path)
        elif isinstance(before, Mapping) and after is ABSENT and before:
            yield from differences(before, {}, path)
        elif isinstance(after, Mapping) and before is ABSENT and after:
            yield from differences({}, after, path)
        elif before is ABSENT or after is ABSENT or _canonical(before) != _canonical(after):
            yield Difference(path, before, after)


def _canonical(value: Any) -> str:
    """Text that tells `1` from `true` and `1.0`, which Python's equality does not."""
    return json.dumps(value, sort_keys=True, default=repr)


def _shown(value: Any, most: int = 90) -> str:
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, default=str)
    return text if len(text) <= most else text[: most - 1] + "…"
