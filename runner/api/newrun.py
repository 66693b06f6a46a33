"""What a client asks when it wants a run: as JSON, or as a form with the change as a file."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import UploadFile

from runner.api.problems import Problem
from runner.api.texts import Line
from runner.model.request import Asked, Kind
from runner.model.run import Command
from runner.model.text import cut, printable
from runner.store.tokens import Token

_FILE: Final = "change"
_MOST_FIELDS: Final = 20
_LONGEST_FIELD: Final = 64 * 1024
_MOST_EDITS: Final = 10_000
_LONGEST_NAME: Final = 100
"""Characters of what a change is called."""


class Edit(BaseModel):
    """What becomes of one file: exactly one of `content`, `content_base64` and `delete`."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=4096)
    content: str | None = None
    content_base64: str | None = None
    delete: Literal[True] | None = None
    mode: Literal["100644", "100755", "120000"] | None = None


class NewRun(BaseModel):
    """A change, and where it is to go: exactly one of `patch`, `edits` and `revision`; in a form a file `change` may stand for them."""

    model_config = ConfigDict(extra="forbid")

    command: Literal["submit", "check"] = "submit"
    target: Line = Field(default="", max_length=64, description="The name of a target; for `submit`.")
    repo: Line = Field(default="", max_length=64, description="The name of a repository; for `check`.")
    patch: str | None = Field(default=None, description="A unified diff, as git makes it.")
    edits: list[Edit] | None = Field(
        default=None, max_length=_MOST_EDITS, description='JSON edits: `[{"path": "a.py", "content": "..."}]`.'
    )
    revision: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        pattern=r"^[^-\x00-\x20\x7f][^\x00-\x20\x7f]*$",
        description="A revision of the repository, or a range of them; never a path.",
    )
    base: str = Field(
        default="",
        max_length=300,
        pattern=r"^([^-\x00-\x20\x7f][^\x00-\x20\x7f]*)?$",
        description="A revision; default: see `seatrial check --help`.",
    )
    name: Line = Field(
        default="", max_length=200, description="What people call the change, e.g. its file; shown, and otherwise of no consequence."
    )
    agent: Line = Field(default="", max_length=200)
    ticket: Line = Field(default="", max_length=200)
    gates: Literal["inform", "enforce"] = Field(default="inform", description="For `check`: what the gates may do.")

    @model_validator(mode="after")
    def _one_of_each(self) -> "NewRun":
        if sum(given is not None for given in (self.patch, self.edits, self.revision)) != 1:
            raise ValueError("give exactly one of patch, edits and revision")
        if bool(self.target) == bool(self.repo) or bool(self.target) != (self.command == "submit"):
            raise ValueError("a submit names its target, a check its repo")
        return self


class Wanted(NamedTuple):
    """What was asked, and the change as it was sent: empty where a revision names it."""

    run: NewRun
    change: bytes
    kind: Kind

    def asked(self, run: str, token: Token) -> Asked:
        """The same as the record keeps it. A revision is never anything that lies on this machine's disk, whatever it looks like."""
        return Asked(
            run=run,
            command=Command(self.run.command),
            repo=self.run.repo,
            target=self.run.target,
            change=self.change,
            kind=self.kind,
            revision=self.run.revision or "",
            name=cut(printable(" ".join(self.run.name.split())), _LONGEST_NAME),
            base=self.run.base,
            author=token.name,
            agent=self.run.agent,
            ticket=self.run.ticket,
            enforce=self.run.gates == "enforce",
        )


async def _wanted(request: Request) -> Wanted:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "multipart/form-data":
        return await _of_form(request)
    if media != "application/json":
        raise Problem(415, "media-type-unknown", "a run is asked for as application/json or multipart/form-data")
    try:
        fields = json.loads(await request.body())
    except (ValueError, RecursionError) as problem:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "this is no JSON", "input": None}]) from problem
    return of_fields(fields)


Sent = Annotated[Wanted, Depends(_wanted)]
"""What the body of a request asks for; the answer is 422 where it is not as it must be."""


def of_fields(fields: Any) -> Wanted:
    """What JSON data asks for. Raises RequestValidationError."""
    run = _valid(fields)
    if run.edits is not None:
        return Wanted(run, json.dumps([edit.model_dump(exclude_unset=True) for edit in run.edits]).encode(), "edits")
    if run.patch is not None:
        return Wanted(run, run.patch.encode("utf-8", "surrogatepass"), "diff")
    return Wanted(run, b"", "range" if ".." in (run.revision or "") else "revision")


async def _of_form(request: Request) -> Wanted:
    """A file `change`: a diff, whatever its bytes are, or JSON edits where it says that it is JSON; texts for all else."""
    async with request.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD) as form:
        texts = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        file = form.get(_FILE)
        if len(texts) + isinstance(file, UploadFile) != len(form.multi_items()) or _FILE in texts:
            raise RequestValidationError([_fault("a form has each field once, and one file, which is called `change`")])
        if not isinstance(file, UploadFile):
            return of_fields(texts)
        if given := {"patch", "edits", "revision"} & set(texts):
            raise RequestValidationError([_fault(f"the form has a file, so `{min(given)}` is too much")])
        run = _valid({**texts, "patch": ""})
        return Wanted(run, await file.read(), "edits" if file.content_type == "application/json" else "diff")


def _valid(fields: Any) -> NewRun:
    try:
        return NewRun.model_validate(fields)
    except ValidationError as problem:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in problem.errors()]) from problem


def _fault(what: str) -> Mapping[str, Any]:
    return {"type": "value_error", "loc": ("body",), "msg": what, "input": None}


def described() -> dict[str, Any]:
    """The body, for the description of the interface, which has `NewRun` among its schemas."""
    properties = NewRun.model_json_schema()["properties"]
    texts = {name: one for name, one in properties.items() if name not in ("edits", "patch")}
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": "A unified diff; JSON edits if it is JSON."}
    form = {"type": "object", "additionalProperties": False, "properties": {_FILE: file, **texts}}
    named = {"$ref": "#/components/schemas/NewRun"}
    return {"required": True, "content": {"application/json": {"schema": named}, "multipart/form-data": {"schema": form}}}
