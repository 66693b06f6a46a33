"""What targets were before they were changed: listed, read again, put back."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Request, Response

from runner.api.binding import bound_at, bound_of, sees
from runner.api.dashboard.pages import Page, back, page
from runner.api.dashboard.served import Looked, Lookout, Served
from runner.api.dashboard.visit import Looking, Reason, Sending, Visitor
from runner.api.problems import Problem, of_error
from runner.api.seeing import backup_seen, backups_seen
from runner.errors import SeatrialError, UsageError
from runner.model.run import Run
from runner.model.submission import Submission
from runner.model.text import shown
from runner.wiring.backups import contents, vault_of
from runner.wiring.naming import names_of_target
from runner.wiring.restoring import record_of, restoration
from runner.wiring.serving import Service

router = APIRouter(route_class=Page, include_in_schema=False)
_MOST: Final = 200
_MOST_ENTRIES: Final = 500


_Name = Annotated[str, Path(pattern="^[0-9a-f]{1,64}$")]


def _found(backup: _Name, service: Served) -> str:
    try:
        return service.kept.backups.find(backup)
    except UsageError as problem:
        raise Problem(404, "backup-unknown", str(problem)) from problem


def _seen(backup: _Name, visitor: Looking, service: Served) -> str:
    return backup_seen(visitor.token, backup, service)


_Backup = Annotated[str, Depends(_found)]
_SeenBackup = Annotated[str, Depends(_seen)]
_Target = Annotated[str, Form(max_length=500)]


@router.get("/backups")
def backups(request: Request, service: Served, looked: Looked, visitor: Looking) -> Response:
    """The list, the newest first."""
    records = backups_seen(visitor.token, service.kept.backups.all()[0], service)
    return page(request, visitor, "backups.html", records=records[:_MOST], more=max(0, len(records) - _MOST), names=looked.names)


@router.get("/backups/{backup}")
def one(visitor: Looking, request: Request, backup: _SeenBackup, service: Served, looked: Looked) -> Response:
    """What it holds. What would change if it were put back is asked for: to tell that, all of it is read and looked over."""
    return _shown(visitor, request, backup, service, looked)


@router.post("/backups/{backup}/compare")
def compare(visitor: Sending, request: Request, backup: _SeenBackup, service: Served, looked: Looked, target: _Target) -> Response:
    """What would change if it were put back into that target. The target is not touched."""
    visitor.needs("operate")
    return _shown(visitor, request, backup, service, looked, {target: _would(target, backup, service, visitor)})


def _shown(
    visitor: Visitor, request: Request, backup: str, service: Service, looked: Lookout, would: Mapping[str, tuple[Run | None, str]] = {}
) -> Response:
    """The page; `would`: what would change, by the targets of which that was asked."""
    kept = service.kept.backups
    held, entries, problem = None, [], ""
    try:
        held = contents(backup, kept, vault_of(service.where.state, kept))
        entries = [{**entry._asdict(), "path": shown(entry.path) or "."} for entry in held.entries[:_MOST_ENTRIES]]
    except SeatrialError as wrong:
        problem = of_error(wrong).detail
    records = [record for record in backups_seen(visitor.token, kept.all()[0], service) if record.id == backup]
    given: dict[str, Any] = {
        "backup": backup,
        "held": held,
        "entries": entries,
        "problem": problem,
        "records": records,
        "names": looked.names,
        "most": _MOST_ENTRIES,
    }
    return page(request, visitor, "backup.html", **given, would=would)


@router.post("/backups/{backup}/verify")
def verify(visitor: Sending, backup: _Backup, service: Served) -> Response:
    """Read all of it from the disk again."""
    visitor.needs("operate")
    bound_of(visitor.token, backup, service)
    damages = vault_of(service.where.state, service.kept.backups).examine(backup)
    if damages:
        said = "; ".join(damage.what for damage in damages[:3])
        visitor.session.say(f"Backup {backup[:12]} is damaged: {said}", failed=True)
    else:
        visitor.session.say(f"Backup {backup[:12]} is whole: all of it was read again.")
    return back(f"/backups/{backup}")


@router.post("/backups/{backup}/restore")
def restore(visitor: Sending, backup: _Backup, service: Served, reason: Reason, target: _Target) -> Response:
    """Put it into its target again, by a run that goes on by itself."""
    visitor.needs("operate")
    try:
        run = service.set_out(_restoration(target, backup, service, visitor, reason))
    except SeatrialError as problem:
        visitor.session.say(f"{problem}. {problem.hint}", failed=True)
        return back(f"/backups/{backup}")
    visitor.session.say(f"Run {run} puts backup {backup[:12]} into its target.")
    return back(f"/runs/{run}")


def _would(target: str, backup: str, service: Service, visitor: Visitor) -> tuple[Run | None, str]:
    """The run that would put it back, not on any file, or why there is none."""
    try:
        return _restoration(target, backup, service, visitor, "only looked at").run, ""
    except SeatrialError as problem:
        return None, of_error(problem).detail
    except Problem as problem:
        return None, problem.detail


def _restoration(target: str, backup: str, service: Service, visitor: Visitor, reason: str) -> Submission:
    if not names_of_target(target, service.configuration):
        raise Problem(409, "target-not-served", "this is a backup of what this server does not serve; restore it where it was made")
    bound_at(visitor.token, target, service)
    record = record_of(backup, target, service.kept, lambda key: sees(visitor.token, key, service))
    return restoration(record, policy=None, who=visitor.token.name, reason=reason, kept=service.kept)
