"""`/api/v0/self-modification/code`: a wish becomes a change that is checked, and a checked change is applied."""

import asyncio
import json
import time
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from runner.api.access import allowed, needs, service_of
from runner.api.binding import bound_in
from runner.api.keys import Answer, IdempotencyKey, once
from runner.api.problems import Problem
from runner.api.queued import RUNS, fresh_key, known_here, moved, put, run_of
from runner.api.routes.legacy import Loose
from runner.api.texts import Line
from runner.model.request import Asked
from runner.model.run import Command, State
from runner.store.runs import Record
from runner.store.tokens import Token
from runner.wiring.generating import Generating, GeneratorFailed
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v0/self-modification/code", tags=["self-modification"])
Served = Annotated[Service, Depends(service_of)]
Submitter = Annotated[Token, Depends(needs("submit"))]
_LOOK: Final = 0.25
"""Seconds between two looks at what became of a run."""
_LONGEST: Final = 300.0
_AGENT: Final = "generator"
_HINT: Final = (
    "Send `patch`, a unified diff, instead of asking for one; or name a command in the server's configuration: generator: {command: [...]}"
)


class Generate(Loose):
    """What a change is to do, or the change itself as `patch`; `target` may be left out where there is but one."""

    specification: str = Field(default="", max_length=100_000)
    file_path: Line = Field(default="", max_length=4096)
    patch: str | None = None
    target: Line = Field(default="", max_length=64)
    wait: float = Field(default=60.0, ge=0, le=_LONGEST, description="Seconds to wait for its check.")


class Generated(BaseModel):
    """The check of a change; `can_apply` once it is accepted. `modification_id` is the id of its run."""

    modification_id: str
    can_apply: bool
    state: str
    verdict: str | None
    reason: str
    location: str


class Apply(Loose):
    """Which change to carry to which target; `target` may be left out where there is but one of its repository."""

    modification_id: Line = Field(min_length=1, max_length=64)
    target: Line = Field(default="", max_length=64)
    wait: float = Field(default=60.0, ge=0, le=_LONGEST, description="Seconds to wait for what becomes of it.")


class Applied(BaseModel):
    """What became of a change: `applied` once it is confirmed. With another `state` than `ended` it goes on, or waits for a person."""

    modification_id: str
    run: str
    applied: bool
    auto_rolled_back: bool
    rollback_reason: str | None
    state: str
    ending: str | None
    reason: str
    location: str


_LATER: Final[dict[int | str, dict[str, Any]]] = {202: {"description": "It goes on."}}


@router.post("/generate", response_model=Generated, responses={202: {**_LATER[202], "model": Generated}})
async def generate(token: Submitter, wish: Generate, request: Request, service: Served, key: IdempotencyKey = None) -> Response:
    """Have a change made by the configured command, or take the `patch`, and check it. 501 where there is neither."""
    run = await run_in_threadpool(_checked, token, wish, service, request.app.state.generating, key or fresh_key())
    record = await _ended(run, wish.wait, request, service)
    told = Generated(
        modification_id=run,
        can_apply=record.verdict == "accept",
        state=record.state,
        verdict=record.verdict,
        reason=record.reason,
        location=f"{RUNS}/{record.id}",
    )
    return _answer(told, record)


@router.post("/apply", response_model=Applied, responses={202: {**_LATER[202], "model": Applied}})
async def apply(token: Submitter, wish: Apply, request: Request, service: Served, key: IdempotencyKey = None) -> Response:
    """Submit a generated change to its target, and wait for what becomes of it.

    It is judged again, promoted, watched, and taken back where it does harm.
    """
    run = await run_in_threadpool(_submitted, token, wish, service, key or fresh_key())
    record = await _ended(run, wish.wait, request, service)
    back = record.ending == "rolled_back" and not await run_in_threadpool(service.kept.submissions.wished, record.id)
    told = Applied(
        modification_id=wish.modification_id,
        run=run,
        applied=record.ending == "confirmed",
        auto_rolled_back=back,
        rollback_reason=record.reason if back else None,
        state=record.state,
        ending=record.ending,
        reason=record.reason,
        location=f"{RUNS}/{record.id}",
    )
    return _answer(told, record)


def _checked(token: Token, wish: Generate, service: Service, generating: Generating | None, key: str) -> str:
    """The run that checks the change of a wish."""
    repo = service.configuration.targets[_target(token, wish.target, "", service)].repo
    if wish.patch is None and generating is None:
        raise Problem(501, "generator-not-configured", "this server has no generator", hint=_HINT)
    if wish.patch is None and not wish.specification.strip():
        raise Problem(422, "invalid-request", "give a specification or a patch")

    def do() -> Answer:
        if wish.patch is None:
            return _made(token, wish, service, generating, key, repo)
        change = wish.patch.encode("utf-8", "surrogatepass")
        return put(_check(run_of(token, key), repo, change, token), token, service)

    return _run_of(once(service, token, key, ("v0", "generate", repo, _digest(wish)), do))


def _made(token: Token, wish: Generate, service: Service, generating: Generating | None, key: str, repo: str) -> Answer:
    """The run of a change that was generated for that wish and key: the earlier one, where a server died before it could say so.

    Asked twice, a generator makes two changes.
    """
    run = run_of(token, f"{key}\0{repo}\0{_digest(wish)}")
    if service.kept.requests.load(run) is not None:
        return moved(run, service)
    asked = _check(run, repo, _generated(wish, repo, generating), token).model_copy(update={"agent": _AGENT})
    try:
        return put(asked, token, service)
    except Problem:  # another server was asked the same meanwhile
        return moved(run, service)


def _check(run: str, repo: str, change: bytes, token: Token) -> Asked:
    return Asked(run=run, command=Command.CHECK, repo=repo, change=change, kind="diff", author=token.name)


def _generated(wish: Generate, repo: str, generating: Generating | None) -> bytes:
    if generating is None:
        return b""
    try:
        return generating.diff({"specification": wish.specification, "file_path": wish.file_path, "repo": repo})
    except GeneratorFailed as problem:
        raise Problem(502, problem.code, str(problem)) from problem


def _submitted(token: Token, wish: Apply, service: Service, key: str) -> str:
    """The run that carries a change which was checked here to its target."""
    found = service.kept.requests.load(wish.modification_id)
    if found is None or found.asked.command is not Command.CHECK:
        raise Problem(404, "modification-unknown", "there is no modification of that id")
    bound_in(token, found.asked.repo, service)
    target = _target(token, wish.target, found.asked.repo, service)

    def do() -> Answer:
        run = run_of(token, key)
        given = {"run": run, "command": Command.SUBMIT, "repo": "", "target": target, "enforce": False}
        return put(found.asked.model_copy(update=given), token, service)

    return _run_of(once(service, token, key, ("v0", "apply", target, wish.modification_id), do))


def _target(token: Token, name: str, repo: str, service: Service) -> str:
    """The target that was named, or the only one that the token may use, of that repository where one is given. Raises Problem."""
    known = service.configuration.targets
    if name:
        allowed(token, name)
        known_here(name, "", token, service)
        if repo and known[name].repo != repo:
            raise Problem(422, "target-of-others", "the modification is of another repository than the target")
        return name
    mine = [one for one in known if (not token.targets or one in token.targets) and repo in ("", known[one].repo)]
    if len(mine) != 1:
        raise Problem(422, "target-needed", "there are several targets, or none: name one as `target`", targets=sorted(mine))
    return mine[0]


async def _ended(run: str, seconds: float, request: Request, service: Service) -> Record:
    """The run, or the one that does the same, once it is held or has ended, or after so many seconds as it is then."""
    until = time.monotonic() + seconds
    while True:
        record = await run_in_threadpool(_record, run, service)
        over = record.state in (State.HELD.value, State.ENDED.value)
        if over or time.monotonic() >= until or await request.is_disconnected():
            return record
        await asyncio.sleep(_LOOK)


def _record(run: str, service: Service) -> Record:
    request = service.kept.requests.load(run)
    return service.kept.runs.show(request.joined if request and request.joined else run)


def _answer(told: BaseModel, record: Record) -> Response:
    over = record.state == State.ENDED.value
    return Response(told.model_dump_json(), 200 if over else 202, {"Location": f"{RUNS}/{record.id}"}, "application/json")


def _run_of(answer: Response) -> str:
    return str(json.loads(bytes(answer.body))["run"])


def _digest(wish: Generate) -> str:
    return sha256(repr((wish.specification, wish.file_path, wish.patch)).encode()).hexdigest()
