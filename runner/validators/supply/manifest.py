"""What one dependency file says: names, where they come from, package indexes, and the licence."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from runner.parsing import Parse


class Dependency(NamedTuple):
    """One declared dependency; `source` is a URL, a version-control address or a path where it does not come from an index."""

    ecosystem: str
    name: str
    """As its ecosystem compares names."""
    spec: str = ""
    group: str = ""
    source: str = ""


class Manifest(NamedTuple):
    """A dependency file, read; `unread` names what could not be understood."""

    dependencies: tuple[Dependency, ...] = ()
    indexes: tuple[str, ...] = ()
    licence: str = ""
    unread: tuple[str, ...] = ()


def tables(read: Parse) -> Mapping[str, Any] | None:
    """The data of a parsed file, `None` when it could not be read."""
    if read.state != "fine":
        return None
    data = json.loads(read.data)
    return data if isinstance(data, Mapping) else None


def at(value: Any, *keys: str) -> Any:
    """The value under a path of keys; `None` where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def table(value: Any) -> Mapping[str, Any]:
    """The value when it is a table, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def texts(value: Any) -> Iterable[str]:
    """The texts of a list, or the text itself."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
