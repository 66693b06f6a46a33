"""The built-in default, the model and the JSON Schema say the same, and all keys are explained."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from runner.policy.load import builtin
from runner.policy.schema import Policy, field_docs, json_schema, sections, shipped_schema
from runner.shipped import shipped
from runner.validators import REGISTERED, layers


def models(model: type[BaseModel] = Policy, path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        parts = (field.annotation, *getattr(field.annotation, "__args__", ()))
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part, f"{path}.{field.alias or name}")


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    for alternative in (part, *part.get("anyOf", ()), *part.get("allOf", ())):
        if "$ref" in alternative:
            return schema["$defs"][alternative["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]
    return part


def test_the_shipped_default_is_the_models_default() -> None:
    loaded = builtin()
    assert loaded.policy == Policy(seatrial=1)
    assert loaded.source == "builtin:default"


@pytest.mark.parametrize(("path", "model"), list(models()), ids=lambda value: value if isinstance(value, str) else "")
def test_the_shipped_default_names_every_key(path: str, model: type[BaseModel]) -> None:
    text = shipped("policies/default.yaml").read_text()
    indent = "  " * path.count(".")
    for name, field in model.model_fields.items():
        key = field.alias or name
        assert re.search(rf"^{indent}(  )?(# )?{key}:", text, re.MULTILINE), f"{path}.{key}"


def test_the_schema_speaks_in_aliases_and_forbids_what_it_does_not_know() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {
        *("seatrial", "extends", "tests", "controls", "sandbox", "preflight", "validate"),
        *("backup", "promote", "monitor", "rollback", "hold"),
    }
    assert schema["required"] == ["seatrial"]
    assert schema["additionalProperties"] is False
    validate = resolved(schema, schema["properties"]["validate"])
    assert tuple(validate["properties"]) == (*REGISTERED, "load")
    assert tuple(layer.name for layer in layers()) == REGISTERED


def test_quantities_are_texts_with_units_for_an_editor() -> None:
    schema = json_schema()
    limits = schema["$defs"]["Limits"]["properties"]
    assert (limits["memory"]["type"], limits["memory"]["default"], limits["wall"]["default"]) == ("string", "2GiB", "10m")
    assert re.fullmatch(limits["memory"]["pattern"], "512MiB")
    assert not re.fullmatch(limits["memory"]["pattern"], "512")


def test_every_key_of_the_sections_carries_its_explanation() -> None:
    schema = json_schema()
    for part in ("tests", "sandbox", "backup", "promote", "monitor", "rollback", "hold"):
        for key, described in resolved(schema, schema["properties"][part])["properties"].items():
            assert described.get("description"), f"{part}.{key}"
    for name, options in sections():
        assert set(field_docs(options)) == set(options.model_fields), name


def test_the_shipped_schema_is_current() -> None:
    assert shipped_schema() == json_schema(), "write policies/policy.v1.schema.json anew from json_schema()"
