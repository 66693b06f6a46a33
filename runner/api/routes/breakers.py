"""`/api/v1/breakers`: which are open and why, and deciding over their heads."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from runner.api.access import Reader, allowed, needs, service_of
from runner.api.answers import time_of
from runner.api.binding import bound_at, unbound
from runner.api.keys import Answer, IdempotencyKey, once
from runner.api.problems import Problem
from runner.api.seeing import breaker_seen, breakers_seen
from runner.api.texts import Line, Said
from runner.errors import UsageError
from runner.model.units import Duration
from runner.reports.breakers import as_json
from runner.store.tokens import Token
from runner.wiring.breakers import Seen, force, listed, parts, reset, shown
from runner.wiring.naming import key_of_target
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/breakers", tags=["breakers"])
Served = Annotated[Service, Depends(service_of)]
Operator = Annotated[Token, Depends(needs("operate"))]
Name = Annotated[Literal["host", "promotion", "author"], Path(description="What it counts: this machine's, a target's, an author's runs.")]
Part = Annotated[Line, Field(max_length=500)]
_KEY = "A host; a target, by its name here or as it is listed; for `author` a target and an author. None: what holds for all."


class Breakers(BaseModel):
    """Breakers as they were at one moment; each as `seatrial breaker list --format json` tells it."""

    now: str
    breakers: list[dict[str, Any]]


class Decision(BaseModel):
    """What is to become of a breaker, of one key or without any of all, and why."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "disabled", "reset"] = Field(
        description="`open` refuses every run, `disabled` lets in every run and counts none, `reset` closes it with an empty window."
    )
    key: list[Part] = Field(default=[], max_length=2, description=_KEY)
    reason: Said
    time: Annotated[Duration, Field(gt=0)] | None = Field(
        default=None, description="For `open` and `disabled`: for how long, e.g. `2h`; default: until it is reset."
    )


@router.get("")
def list_(token: Reader, service: Served) -> Breakers:
    """Every breaker that a run or a person ever had to do with; for a token that is bound to targets those of others are left out."""
    return _told(breakers_seen(token, listed(service.where.state), service))


@router.get("/{name}")
def show(
    token: Reader, name: Name, service: Served, key: Annotated[list[Part] | None, Query(max_length=2, description=_KEY)] = None
) -> Breakers:
    """One breaker. 404 where nothing was ever counted under that key."""
    keys = _keys(name, tuple(key or ()), service)
    found = shown(service.where.state, name, keys)
    if not found.known or not breaker_seen(token, (name, *keys), service):
        raise Problem(404, "breaker-unknown", "nothing was ever counted under that key")
    return _told(found)


@router.post("/{name}/state", response_model=Breakers)
def decide(token: Operator, name: Name, said: Decision, service: Served, key: IdempotencyKey = None) -> Response:
    """Open, disable or reset a breaker by hand. A token that is bound to targets decides about theirs only."""
    if said.state == "reset" and said.time is not None:
        raise Problem(422, "invalid-request", "a reset has no end, and so no `time`")
    keys = _keys(name, tuple(said.key), service)
    if name == "host" or not keys:
        unbound(token)
    elif said.key[0] in service.configuration.targets:
        allowed(token, said.key[0])
    else:
        bound_at(token, keys[0], service)

    def do() -> Answer:
        state = service.where.state
        if said.state == "reset":
            found = reset(state, name, keys, said.reason, token.name)
        else:
            found = force(state, name, keys, said.state, said.reason, token.name, said.time)
        return Answer(200, _told(found).model_dump())

    return once(service, token, key, ("breaker", name, said.model_dump_json()), do)


def _keys(name: str, given: tuple[str, ...], service: Service) -> tuple[str, ...]:
    """The parts of a key, a target's name replaced by what the record calls it. Raises Problem for what is no key of that breaker."""
    if given and name != "host" and given[0] in service.configuration.targets:
        given = (key_of_target(given[0], service.configuration), *given[1:])
    try:
        parts(name, given)
    except UsageError as problem:
        raise Problem(422, "key-malformed", str(problem)) from problem
    return given


def _told(found: Seen) -> Breakers:
    return Breakers(now=time_of(found.now), breakers=[as_json(one, found.now) for one in found.breakers])
