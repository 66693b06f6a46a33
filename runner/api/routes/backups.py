"""`/api/v1/backups`: what targets were, in the vault of this server's machine."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from runner.api.access import Reader, allowed, needs, service_of
from runner.api.binding import bound_of, sees
from runner.api.keys import Answer, IdempotencyKey, once
from runner.api.problems import Problem
from runner.api.queued import RUNS, known_here
from runner.api.seeing import backup_seen, backups_seen
from runner.api.texts import Line, Said
from runner.errors import UsageError
from runner.store.tokens import Token
from runner.wiring.backups import as_json, contents, contents_json, named, vault_of, verified_json
from runner.wiring.naming import names_of_target
from runner.wiring.restoring import record_of, restoration
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/backups", tags=["backups"])
Served = Annotated[Service, Depends(service_of)]
Operator = Annotated[Token, Depends(needs("operate"))]
_MOST_SHOWN = 1000


class Backups(BaseModel):
    """Backups, newest first, each as `seatrial backup list --format json` tells it."""

    backups: list[dict[str, Any]]
    more: int = Field(description="How many were left out.")


class Verified(BaseModel):
    """What a look at every byte of a backup found."""

    id: str
    whole: bool
    damages: list[dict[str, Any]]


class Pin(BaseModel):
    """Why a backup must stay; without a reason it need not any more."""

    model_config = ConfigDict(extra="forbid")

    reason: Said | None


class Pinned(BaseModel):
    """Whether it stays now, and why."""

    id: str
    pinned: str | None


class Restoration(BaseModel):
    """What is to be put back, and why. Nothing is touched unless `dry_run` is false."""

    model_config = ConfigDict(extra="forbid")

    reason: Said
    dry_run: bool = True
    target: Annotated[Line, Field(max_length=64)] = Field(
        default="", description="Which one, where the backup is of several: a target's name."
    )


class Restoring(BaseModel):
    """What would change, or the run that restores it; its report tells what became of it."""

    id: str
    target: str
    dry_run: bool
    paths: list[dict[str, str]] = Field(description=f"The first {_MOST_SHOWN} paths that differ.")
    differ: int = Field(description="How many paths differ.")
    run: str | None
    location: str | None


_Name = Annotated[str, Path(pattern="^([0-9a-f]{1,64}|latest)$", description="An id, the unique beginning of one, or `latest`.")]


def _found(backup: _Name, service: Served) -> str:
    kept = service.kept.backups
    try:
        return named(backup, kept, vault_of(service.where.state, kept))
    except UsageError as problem:
        raise Problem(404, "backup-unknown", str(problem)) from problem


def _seen(backup: _Name, token: Reader, service: Served) -> str:
    return backup_seen(token, backup, service)


Backup = Annotated[str, Depends(_found)]
SeenBackup = Annotated[str, Depends(_seen)]
"""For whoever looks: the backups of other targets than the token's are not there."""


@router.get("")
def list_(
    token: Reader,
    service: Served,
    target: Annotated[str, Query(max_length=64, description="Only those of this target, by its name.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Backups:
    """The backups of this machine's vault, newest first."""
    if target:
        allowed(token, target)
    known_here(target, "", token, service)
    records = backups_seen(token, service.kept.backups.all()[0], service)
    found = [one for one in records if not target or target in names_of_target(one.target, service.configuration)]
    return Backups(backups=[as_json(one) for one in found[:limit]], more=max(0, len(found) - limit))


@router.get("/{backup}")
def show(
    token: Reader,
    backup: SeenBackup,
    service: Served,
    *,
    entries: Annotated[bool, Query(description="List everything that it holds.")] = False,
) -> dict[str, Any]:
    """What it holds, whose it is, and why it stays: `seatrial backup show --format json`. Nothing is verified but its manifest."""
    kept = service.kept.backups
    held = contents(backup, kept, vault_of(service.where.state, kept))
    return contents_json(held._replace(records=backups_seen(token, held.records, service)), entries=entries)


@router.post("/{backup}/verify", response_model=Verified)
def verify(token: Operator, backup: Backup, service: Served, key: IdempotencyKey = None) -> Response:
    """Read all of it from the disk again, and wait for that. A damaged one counts as no backup until it is found whole."""
    bound_of(token, backup, service)

    def do() -> Answer:
        kept = service.kept.backups
        return Answer(200, verified_json(backup, vault_of(service.where.state, kept).examine(backup)))

    return once(service, token, key, ("verify", backup), do)


@router.put("/{backup}/pin")
def pin(token: Operator, backup: Backup, wanted: Pin, service: Served) -> Pinned:
    """Keep it whatever the policy says, or let it go again. Asked twice, it is the same."""
    bound_of(token, backup, service)
    service.kept.backups.pin(backup, wanted.reason or "")
    return Pinned(id=backup, pinned=wanted.reason)


@router.post("/{backup}/restore", response_model=Restoring, responses={202: {"model": Restoring, "description": "A run restores it."}})
def restore(token: Operator, backup: Backup, wish: Restoration, service: Served, key: IdempotencyKey = None) -> Response:
    """Put it into its target again, by a run that goes on by itself; what the target holds now is backed up first. Only a target that is served."""
    return once(
        service,
        token,
        key,
        ("restore", backup, wish.model_dump_json()),
        lambda: restored(token, backup, wish, service),
    )


def restored(token: Token, backup: str, wish: Restoration, service: Service) -> Answer:
    """Begin a restore, or say what it would change. Raises Problem where the token is not for that target, or the target is not served."""
    bound_of(token, backup, service)
    if wish.target:
        allowed(token, wish.target)
    record = record_of(backup, _target(backup, wish.target, token, service), service.kept, lambda key: sees(token, key, service))
    if not names_of_target(record.target, service.configuration):
        raise Problem(409, "target-not-served", "this is a backup of what this server does not serve", hint="Restore it where it was made.")
    submission = restoration(record, policy=None, who=token.name, reason=wish.reason, kept=service.kept)
    run = None if wish.dry_run else service.set_out(submission)
    files = submission.run.change.files
    told = Restoring(
        id=backup,
        target=record.target,
        dry_run=wish.dry_run,
        paths=[{"path": file.path, "status": file.status.value} for file in files[:_MOST_SHOWN]],
        differ=len(files),
        run=run,
        location=f"{RUNS}/{run}" if run else None,
    )
    return Answer(202 if run else 200, told.model_dump(), {"Location": f"{RUNS}/{run}"} if run else {})


def _target(backup: str, name: str, token: Token, service: Service) -> str | None:
    """What the record calls the target of that name, of those that the backup is of. Raises Problem where it is of none such."""
    known_here(name, "", token, service)
    if not name:
        return None
    of = [one.target for one in service.kept.backups.all()[0] if one.id == backup]
    found = [target for target in of if name in names_of_target(target, service.configuration)]
    if not found:
        raise Problem(409, "backup-of-others", "this backup is not of that target")
    return found[0]
