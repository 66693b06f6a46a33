"""The resolved policy written out as YAML, each value with the place it comes from."""

import re
from collections.abc import Iterator
from typing import Any

from runner.policy.resolved import Loaded

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*|[0-9]+(\.[0-9]+)?(ms|s|m|h|d|B|KiB|MiB|GiB)|[a-z]+:[a-z]+")
_WORDS = frozenset(("null", "Null", "NULL", "true", "false"))
_WIDTH = 60
_LINE = 120
_ONE_BYTE, _TWO_BYTES = 0xFF, 0xFFFF


def values(loaded: Loaded) -> dict[str, Any]:
    """The resolved policy as plain data, with durations and sizes as a file spells them; keys without a value are left out."""
    return loaded.policy.model_dump(mode="json", by_alias=True, exclude_none=True)


def sources(loaded: Loaded) -> dict[str, str]:
    """Where each value comes from: `file:line` by key path, e.g. `tests.runner`."""
    return {path: loaded.where(path) for path, _ in _leaves(values(loaded))}


def to_yaml(loaded: Loaded) -> str:
    """A policy file that resolves to the same policy, with comments that say where each value comes from; pure printable text."""
    head = [f"# resolved from {_escaped(loaded.source)}", f"# digest {loaded.digest}"]
    return "\n".join([*head, *_map(values(loaded), "", "", loaded)]) + "\n"


def _leaves(data: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        path = f"{above}.{key}" if above else key
        if isinstance(value, dict) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _map(data: dict[str, Any], above: str, indent: str, loaded: Loaded) -> Iterator[str]:
    for key, value in data.items():
        path = f"{above}.{key}" if above else key
        name = f"{indent}{_scalar(key)}:"
        if isinstance(value, dict) and value:
            yield name
            yield from _map(value, path, f"{indent}  ", loaded)
        elif isinstance(value, list) and len(name) + len(_flow(value)) > _LINE:
            yield f"{name:<{_WIDTH}}  # {_escaped(loaded.where(path))}"
            yield from (f"{indent}  - {_flow(item)}" for item in value)
        else:
            yield f"{f'{name} {_flow(value)}':<{_WIDTH}}  # {_escaped(loaded.where(path))}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and value not in _WORDS:
        return value
    return '"' + _escaped(value.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _escaped(text: str) -> str:
    """With every character that does not show as itself in YAML's spelling of it; a CI runner's `##[command]` is broken so, too."""
    return "".join(char if char.isprintable() else _code(ord(char)) for char in text).replace("##", "#\\x23")


def _code(code: int) -> str:
    return f"\\x{code:02x}" if code <= _ONE_BYTE else f"\\u{code:04x}" if code <= _TWO_BYTES else f"\\U{code:08x}"
