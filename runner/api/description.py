"""What the application says of itself, beyond what its routes say: the form of every error, and of bodies that they read themselves."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from runner.api.newrun import NewRun
from runner.api.problems import MEDIA_TYPE

_REF: Final = "#/components/schemas/{model}"


class ProblemBody(BaseModel):
    """Why there is no answer, as RFC 9457 has it; some problems have further members."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="What a program goes by.")


_SHOWN: Final = {"content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"description": "What was asked cannot be.", **_SHOWN},
    "5XX": {"description": "The machine is at fault; trying again later may help.", **_SHOWN},
}
"""Of every route of the interface for programs."""


def describe(app: FastAPI) -> None:
    """Let the description of an application hold all that its routes refer to."""
    usual = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = usual()
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas |= dict(_schemas())
        return usual()

    app.openapi = openapi  # type: ignore[method-assign]


def _schemas() -> Iterator[tuple[str, Any]]:
    for name, model in (("Problem", ProblemBody), ("NewRun", NewRun)):
        schema = model.model_json_schema(ref_template=_REF)
        yield from schema.pop("$defs", {}).items()
        yield name, schema
