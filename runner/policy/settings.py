"""Reads other files of the operator's as policies are read: the same YAML, every fault with its place."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from runner.errors import PolicyInvalid
from runner.policy.faults import faults
from runner.policy.load import content_of, nodes_of, told
from runner.policy.nodes import Problem, places
from runner.policy.typed import typed

Settings = TypeVar("Settings", bound=BaseModel)


def read_settings(path: Path, model: type[Settings]) -> Settings:
    """What is in the file, as `model` describes it. Raises PolicyInvalid with every fault, also when it cannot be read."""
    problems: list[Problem] = []
    root = nodes_of(content_of(path), problems)
    if root is not None:
        where = dict(places(root))
        schema = model.model_json_schema()
        data = typed(root, schema, schema.get("$defs", {}), problems)
        blamed = {problem.path for problem in problems}
        try:
            found = model.model_validate(data)
        except ValidationError as error:
            problems.extend(fault for fault in faults(error, model, where) if fault.path not in blamed)
        else:
            if not problems:
                return found
    raise PolicyInvalid(told(str(path), problems))
