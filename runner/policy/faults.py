"""Turns the validation errors of the schema into problems with a place, in words for the person who wrote the file."""

from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from runner.policy.nodes import Path, Places, Problem, shown

_EXPECTED = {
    "tuple_type": "a list, e.g. ",
    "list_type": "a list, e.g. ",
    "dict_type": "a map of keys and values",
    "model_type": "a map of keys and values",
    "model_attributes_type": "a map of keys and values",
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
_LISTS = {"rate": "[{limit: 10, per: 1m, key: [target]}]", "key": "[target]"}
"""What a list looks like under a key where it holds no names of files."""


def faults(error: ValidationError, model: type[BaseModel], where: dict[Path, Places]) -> list[Problem]:
    """Every fault with the place of the value, or of the key when the key itself is the fault."""
    return [_fault(detail, model, where) for detail in error.errors(include_url=False)]


def _fault(detail: Any, model: type[BaseModel], where: dict[Path, Places]) -> Problem:
    path: Path = tuple(step for step in detail["loc"] if step != "[key]")
    context = detail.get("ctx", {})
    kind = detail["type"]
    if key := context.get("key"):
        path = (*path, key)
    whole = path
    while path not in where:
        path = path[:-1]
    place = where[path].key if kind == "extra_forbidden" or "[key]" in detail["loc"] else where[path].value
    return Problem(place, whole, _what(kind, detail, context, whole, model))


def _what(kind: str, detail: Any, context: Any, path: Path, model: type[BaseModel]) -> str:
    found = detail.get("input")
    if kind == "extra_forbidden":
        return "unknown key; " + _nearest(str(path[-1]), _names(model, path[:-1]))
    if kind in ("missing", "section"):
        return "this key is missing" if kind == "missing" else str(detail["msg"])
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", detail["msg"]))
    if kind in ("literal_error", "enum"):
        names = [name.strip("' ") for name in str(context["expected"]).replace(" or ", ",").split(",")]
        return f"found {_found(found)}, expected {_nearest(str(found), names, choice=True)}"
    if kind in _EXPECTED:
        example = _LISTS.get(str(path[-1]), "[tests]") if path and kind in ("tuple_type", "list_type") else ""
        return f"found {_found(found)}, expected {_EXPECTED[kind]}{example}"
    return f"found {_found(found)}; {_plain(str(detail['msg']))}"


def _plain(message: str) -> str:
    return message.replace("Input should be", "expected something").replace("String should", "it should")


def _found(value: Any) -> str:
    if isinstance(value, dict):
        return "a map of keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{shown(value)}'" if value == "" else shown(value)


def _nearest(word: str, names: list[str], *, choice: bool = False) -> str:
    """The nearest valid name, and all of them where they are few."""
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    every = ", ".join(names)
    if choice:
        return f"one of: {every}" + (f'; did you mean "{near[0]}"?' if near else "")
    if near:
        return f'did you mean "{near[0]}"?'
    return f"the keys here are: {every}" if names else "there are no keys here"


def _names(model: type[BaseModel], path: Path) -> list[str]:
    """The names that may stand in the map at `path`."""
    here: Any = model
    named = False
    for step in path:
        if isinstance(step, int) or not (isinstance(here, type) and issubclass(here, BaseModel)):
            continue
        if named:  # a key of a map whose values are all of one model
            named = False
            continue
        by_alias = {field.alias or name: field for name, field in here.model_fields.items()}
        annotation = by_alias[step].annotation if isinstance(step, str) and step in by_alias else None
        named, here = get_origin(annotation) is dict, _model_of(annotation)
    if not (isinstance(here, type) and issubclass(here, BaseModel)):
        return []
    return [field.alias or name for name, field in here.model_fields.items()]


def _model_of(annotation: Any) -> Any:
    """The model in an annotation such as `Build | None` or `tuple[Probe, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if (found := _model_of(part)) is not None:
            return found
    return None
