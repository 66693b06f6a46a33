"""Gives texts of the policy file the type that the schema wants, never the type that YAML would guess."""

import re
from collections.abc import Iterable
from typing import Any

from runner.policy.nodes import List, Map, Node, Path, Problem, Text, shown

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]{1,18}(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WANTED = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}


def typed(node: Node, schema: dict[str, Any], definitions: dict[str, Any], problems: list[Problem], path: Path = ()) -> Any:
    """The node as Python data. A text that cannot be of its type stays a text and adds to `problems`."""
    variants = tuple(_variants(schema, definitions))
    if isinstance(node, Map):
        return {
            entry.key: typed(entry.value, _below(variants, entry.key), definitions, problems, (*path, entry.key)) for entry in node.entries
        }
    if isinstance(node, List):
        items: dict[str, Any] = next((variant["items"] for variant in variants if "items" in variant), {})
        return [typed(item, items, definitions, problems, (*path, index)) for index, item in enumerate(node.items)]
    return _scalar(node, {str(variant["type"]) for variant in variants if "type" in variant}, problems, path)


def _variants(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The schema itself, or what its references and alternatives stand for."""
    if "$ref" in schema:
        yield from _variants(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    elif alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        for alternative in alternatives:
            yield from _variants(alternative, definitions)
    else:
        yield schema


def _below(variants: Iterable[dict[str, Any]], key: str) -> dict[str, Any]:
    for variant in variants:
        if key in variant.get("properties", {}):
            found: dict[str, Any] = variant["properties"][key]
            return found
        if isinstance(variant.get("additionalProperties"), dict):
            rest: dict[str, Any] = variant["additionalProperties"]
            return rest
    return {}


def _scalar(node: Text, types: set[str], problems: list[Problem], path: Path) -> str | bool | int | float:
    wanted = [kind for kind in _WANTED if kind in types]
    if not wanted or "string" in types:
        return node.text
    if node.plain:
        if "boolean" in wanted and node.text in ("true", "false"):
            return node.text == "true"
        if "integer" in wanted and _INTEGER.fullmatch(node.text):
            return int(node.text)
        if "number" in wanted and _NUMBER.fullmatch(node.text):
            return float(node.text)
    found = shown(node.text) if node.plain else f'"{shown(node.text)}" in quotes'
    problems.append(Problem(node.place, path, f"found {found}, expected {' or '.join(_WANTED[kind] for kind in wanted)}"))
    return node.text
