"""Reads other files of the operator's as policies are read: the same YAML, every fault with its place."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from runner.errors import ConfigurationInvalid, PolicyInvalid
from runner.policy.faults import faults
from runner.policy.load import content_of, nodes_of, told
from runner.policy.nodes import Path as Way
from runner.policy.nodes import Places, Problem, places
from runner.policy.typed import typed

Settings = TypeVar("Settings", bound=BaseModel)
Fault = tuple[Way, str]
"""Where in the file a fault is, and what it is."""


def read_settings(
    path: Path, model: type[Settings], *, begins: str, further: Callable[[dict[str, Any]], Iterable[Fault]] = lambda _: ()
) -> Settings:
    """What is in the file, as `model` describes it. Raises ConfigurationInvalid with every fault, also when it cannot be read.

    `further` finds what the model does not know of, in data that may be faulty otherwise; `begins` is how such a file begins.
    """
    problems: list[Problem] = []
    try:
        root = nodes_of(content_of(path), problems, begins=begins)
    except PolicyInvalid as invalid:  # it cannot even be read
        raise ConfigurationInvalid(invalid.problems, hint=invalid.hint) from invalid
    if root is not None:
        where = dict(places(root))
        schema = model.model_json_schema()
        data = typed(root, schema, schema.get("$defs", {}), problems)
        blamed = {problem.path for problem in problems}
        more = [Problem(_place(way, where), way, what) for way, what in further(data)]
        try:
            found = model.model_validate(data)
        except ValidationError as error:
            known = [fault for fault in faults(error, model, where) if fault.path not in blamed]
            more += [fault for fault in known if fault.path or not more]  # of the whole file: one that was found with its place
        if not problems and not more:
            return found
        problems += more
    raise ConfigurationInvalid(told(str(path), problems))


def _place(way: Way, where: dict[Way, Places]) -> tuple[int, int]:
    while way not in where:
        way = way[:-1]
    return where[way].value
