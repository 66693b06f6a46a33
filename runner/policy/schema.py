"""The schema of the policy, assembled from the Options of the sections, of the gates and of the validation layers."""

import ast
import inspect
import json
import textwrap
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from runner.controls.options import Controls
from runner.gates import gates
from runner.model.value import Value
from runner.probes.options import Monitor
from runner.sandbox.options import Sandbox
from runner.shipped import shipped
from runner.targets.options import Hold, Promote, Rollback
from runner.trial import load
from runner.trial.options import Tests
from runner.validators import layers
from runner.vault.options import Options as Backup

VERSION = 1
"""The version of the schema that this program reads."""


def sections() -> tuple[tuple[str, type[Value]], ...]:
    """The sections of `validate`: the layers that read trees, and `load`, which the trial asks in its sandbox."""
    return (*((layer.name, layer.Options) for layer in layers()), (load.CHECK, load.Options))


if TYPE_CHECKING:
    Preflight = Any
    Validation = Any
else:
    Preflight = create_model(
        "Preflight",
        __base__=Value,
        __doc__="What is asked before anything runs. `seatrial check` only says what these gates would do, unless --gates enforce is given.",
        **{gate.name: (gate.Options, Field(default=gate.default, description=(type(gate).__doc__ or "").strip())) for gate in gates()},
    )
    Validation = create_model(
        "Validation",
        __base__=Value,
        __doc__="The validation layers, each with its own keys.",
        **{name: (options, Field(default_factory=options, description=(options.__doc__ or "").strip())) for name, options in sections()},
    )


class Policy(Value):
    """A policy of seatrial, resolved: what is not given is as in the built-in default."""

    seatrial: Literal[1]
    """The version of the schema; always the first line."""
    extends: Literal["builtin:default"] = "builtin:default"
    """The policy underneath: its value holds for every key that is not given, whether this line is there or not. Maps merge, lists replace."""
    tests: Tests = Tests()
    """Which suite judges a change, and how often it runs."""
    controls: Controls = Controls()
    """Which controls make forged results visible, and what follows from what they leave open."""
    sandbox: Sandbox = Sandbox()
    """The image a suite runs in, its environment and its limits."""
    preflight: Preflight = Field(default_factory=Preflight)
    """The gates that are asked before anything runs."""
    validation: Validation = Field(alias="validate", default_factory=Validation)
    """The validation layers: what they read of a change before anything runs, and what they load of it in the sandbox."""
    backup: Backup = Backup()
    """How long backups of what targets were stay, and how much room they have."""
    promote: Promote = Promote()
    """How an accepted change reaches its target."""
    monitor: Monitor = Monitor()
    """How a promotion is watched, and what confirms it or takes it back."""
    rollback: Rollback = Rollback()
    """What happens when a promotion is taken back."""
    hold: Hold = Hold()
    """What becomes of a run that waits for a person."""


def shipped_schema() -> dict[str, Any]:
    """The JSON Schema as it ships, which a test keeps equal to `json_schema()`; making it anew takes a tenth of a second."""
    schema: dict[str, Any] = json.loads(shipped(f"policies/policy.v{VERSION}.schema.json").read_bytes())
    return schema


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the policy file, for editors; every property carries its docstring."""
    schema = Policy.model_json_schema(by_alias=True, schema_generator=_Described)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


class _Described(GenerateJsonSchema):
    """Adds to each property the docstring under its field, and its default as it is written in a file."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        described = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        defaults = _defaults(model)
        for name, field in model.model_fields.items():
            given = described.get("properties", {}).get(field.alias or name)
            if given is None:
                continue
            given.pop("title", None)
            if text := field_docs(model).get(name):
                given["description"] = text
            if "default" in given and name in defaults:
                given["default"] = defaults[name]
            if given.get("default", ...) is None:
                del given["default"]
        return described


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    required = any(field.is_required() for field in model.model_fields.values())
    return {} if required else model().model_dump(mode="json", exclude_none=True)


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings under the fields of a model or of the models it extends, by field name; empty where the source cannot be had."""
    docs: dict[str, str] = {}
    for extended in reversed(model.__mro__):
        docs.update(_docs(extended) if issubclass(extended, Value) else {})
    return docs


def _docs(model: type[BaseModel]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
    docs = {}
    for field, text in pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            docs[field.target.id] = inspect.cleandoc(text.value.value)
    return docs
