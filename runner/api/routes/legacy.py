"""`/api/v0/self-modification`: ten paths with the names that older clients use, over the same record, runs and rules.

Here a POST needs no Idempotency-Key, since these clients send none; one that is given counts as everywhere.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from runner.api.access import Reader, needs, service_of
from runner.api.answers import time_of
from runner.api.binding import unbound
from runner.api.keys import Answer, IdempotencyKey, once
from runner.api.problems import Problem
from runner.api.queued import fresh_key, known_here
from runner.api.routes.backups import Restoration, Restoring, restored
from runner.api.seeing import backups_seen, breakers_seen
from runner.api.texts import Line, Said
from runner.errors import UsageError
from runner.gates.breaker.options import NAMES
from runner.policy.load import builtin
from runner.store.tokens import Token
from runner.wiring.backups import as_json, named, vault_of
from runner.wiring.breakers import Seen, listed, reset, switch_off, switch_on
from runner.wiring.health import checkup_by
from runner.wiring.legacy import breaker_state, health_state
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v0/self-modification/safety", tags=["self-modification"])
Served = Annotated[Service, Depends(service_of)]
Operator = Annotated[Token, Depends(needs("operate"))]
Administrator = Annotated[Token, Depends(needs("safety:admin"))]
LONGEST: Final = 3600
"""Seconds for which the breakers can be off at most."""
_BY: Final = "asked for at the compatible interface"
OFF: Final = ("preflight.breaker",)
STAYS: Final = ("preflight.health", "preflight.anomaly", "preflight.rate", "validate", "trial", "backup", "monitor", "rollback", "audit")


class Loose(BaseModel):
    """What older clients send: fields that are not known are passed over."""

    model_config = ConfigDict(extra="ignore")


class Breaker(BaseModel):
    """`open` where any breaker is, else `half-open`, `disabled` or `closed`; `until` is when safety comes back by itself."""

    state: str
    open: list[str] = Field(description="The breakers that are open, for people.")
    disabled_until: str | None


class Health(BaseModel):
    """`healthy`, `degraded` (beyond a soft limit), `unhealthy` (changes are refused) or `unknown`; values in percent."""

    status: str
    reason: str
    checks: dict[str, dict[str, Any]]


class Total(BaseModel):
    """How many there are."""

    total: int


class Status(BaseModel):
    """All of it at a glance."""

    circuit_breaker: Breaker
    health: Health
    backups: Total


class AllBackups(BaseModel):
    """The backups of this machine's vault, newest first."""

    total: int
    backups: list[dict[str, Any]]


class Because(Loose):
    """Why, for the record."""

    reason: Said = _BY


class Disable(Loose):
    """Why the breakers are to be off, and for how many seconds."""

    reason: Said
    ttl: int = Field(default=LONGEST, ge=1, le=LONGEST)


class Restore(Because):
    """What is to be put back; with `dry_run` nothing is."""

    dry_run: bool = False
    target: Annotated[Line, Field(max_length=64)] = ""


class Safety(BaseModel):
    """What is switched off now, until when, and what is on whatever anybody says."""

    enabled: bool
    until: str | None
    switched_off: list[str]
    still_on: list[str]
    held_open: list[str] = Field(description="Breakers that a person holds open for all: disabling leaves them so.")


@router.get("/enhanced-status")
def status(token: Reader, service: Served) -> Status:
    """Breakers, this machine's health, backups."""
    records = backups_seen(token, service.kept.backups.all()[0], service)
    return Status(circuit_breaker=_breaker(token, service), health=_health(), backups=Total(total=len(records)))


@router.get("/circuit-breaker")
def breaker(token: Reader, service: Served) -> Breaker:
    """All breakers as one; for a token that is bound to targets without those of others."""
    return _breaker(token, service)


@router.post("/circuit-breaker/reset", response_model=Breaker)
def reset_all(token: Operator, service: Served, said: Because | None = None, key: IdempotencyKey = None) -> Response:
    """Close every breaker there is, those too that were opened or disabled by hand."""
    unbound(token)
    why = (said or Because()).reason

    def do() -> Answer:
        for name in NAMES:
            reset(service.where.state, name, (), why, token.name)
        return Answer(200, _breaker(token, service).model_dump())

    return once(service, token, key or fresh_key(), ("v0", "reset", why), do)


@router.get("/health-check")
def health(_token: Reader) -> Health:
    """A fresh sample of this machine, judged by the built-in limits."""
    return _health()


@router.get("/backups")
def backups(token: Reader, service: Served) -> AllBackups:
    """What targets were; the newest 200."""
    records = backups_seen(token, service.kept.backups.all()[0], service)
    return AllBackups(total=len(records), backups=[as_json(one) for one in records[:200]])


@router.post(
    "/backups/{backup}/restore", response_model=Restoring, responses={202: {"model": Restoring, "description": "A run restores it."}}
)
def restore(
    token: Operator,
    backup: Annotated[str, Path(pattern="^([0-9a-f]{1,64}|latest)$")],
    service: Served,
    wish: Restore | None = None,
    key: IdempotencyKey = None,
) -> Response:
    """Put it into its target again, by a run that goes on by itself."""
    wanted = wish or Restore()
    kept = service.kept.backups
    known_here(wanted.target, "", token, service)
    try:
        found = named(backup, kept, vault_of(service.where.state, kept))
    except UsageError as problem:
        raise Problem(404, "backup-unknown", str(problem)) from problem
    strict = Restoration(reason=wanted.reason, dry_run=wanted.dry_run, target=wanted.target)
    return once(
        service,
        token,
        key or fresh_key(),
        ("restore", found, strict.model_dump_json()),
        lambda: restored(token, found, strict, service),
    )


@router.post("/enable", response_model=Safety)
def enable(token: Administrator, service: Served, said: Because | None = None, key: IdempotencyKey = None) -> Response:
    """Let the breakers that are disabled for all work again, before their time."""
    unbound(token)
    why = (said or Because()).reason
    return once(
        service,
        token,
        key or fresh_key(),
        ("v0", "enable", why),
        lambda: Answer(200, _safety(switch_on(service.where.state, why, token.name)).model_dump()),
    )


@router.post("/disable", response_model=Safety)
def disable(token: Administrator, wanted: Disable, service: Served, key: IdempotencyKey = None) -> Response:
    """Switch the breakers off, for an hour at most; they come back by themselves.

    Every run is let in past them and counted by none. Nothing else is switched off: health, rate, the anomaly gate, validation, trial,
    backup, monitoring, rollback and audit go on.
    """
    unbound(token)
    return once(
        service,
        token,
        key or fresh_key(),
        ("v0", "disable", wanted.model_dump_json()),
        lambda: Answer(200, _safety(switch_off(service.where.state, wanted.reason, token.name, wanted.ttl)).model_dump()),
    )


def _safety(found: Seen) -> Safety:
    off = [one.forced for one in found.breakers if one.forced is not None and one.forced.state == "disabled"]
    ends = [one.until for one in off]
    return Safety(
        enabled=not off,
        until=time_of(max(end for end in ends if end is not None)) if ends and None not in ends else None,
        switched_off=list(OFF) if off else [],
        still_on=[*(() if off else OFF), *STAYS],
        held_open=[name for name, one in zip(NAMES, found.breakers, strict=True) if one.forced is not None and one.forced.state == "open"],
    )


def _breaker(token: Token, service: Service) -> Breaker:
    found = breaker_state(breakers_seen(token, listed(service.where.state), service))
    return Breaker(state=found.state, open=list(found.open), disabled_until=time_of(found.until) if found.until is not None else None)


def _health() -> Health:
    return Health(**health_state(checkup_by(builtin(), whole=True)))
