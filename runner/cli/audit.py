"""`seatrial audit`: what happened, in order, and whether somebody changed it since."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, of_this_machine
from runner.errors import UsageError
from runner.model.text import cut, printable
from runner.reports.exits import Exit

if TYPE_CHECKING:
    from runner.store.audit import AuditEntry, AuditLog
    from runner.store.chain import Verified
    from runner.store.checkpoints import Checkpoint

_MOST_READ = 2**26
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_BODY = 100


@click.group()
@common
def audit() -> None:
    """List the audit log, and find out whether it was tampered with.

    \b
    Examples:
      seatrial audit list
      seatrial audit verify
      seatrial audit checkpoint >> /somewhere/else/seatrial.checkpoints
    """


@audit.command()
@click.option("--against", metavar="FILE", type=click.Path(path_type=Path), help="Checkpoints that were kept elsewhere, one per line.")
@form
@common
@of_this_machine
def verify(against: Path | None, form: str) -> int:
    """Verify every entry. Exits 1 when one was edited, moved, deleted, put in or cut off, and 4 when the log cannot be read.

    It is compared with the checkpoints in the state folder, and with those of FILE, which `seatrial audit checkpoint` printed.

    \b
    Examples:
      seatrial audit verify
      seatrial audit verify --against /somewhere/else/seatrial.checkpoints
    """
    known = _checkpoints(against) if against else ()
    found = _log().verify(known)
    if form == "json":
        emit(json.dumps({"schema": "seatrial.audit-verify/v1", **_as_json(found)}, indent=2) + "\n")
    else:
        emit(_told(found))
    return Exit.REJECTED if found.flaw else 0


@audit.command("list")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@click.option("--kind", metavar="KIND", help="Only entries of this kind, such as run.ended.")
@click.option("--subject", metavar="SUBJECT", help="Only entries about this, such as the id of a run.")
@form
@common
@of_this_machine
def list_(limit: int, kind: str | None, subject: str | None, form: str) -> int:
    """List entries, newest first. They are not verified here.

    \b
    Examples:
      seatrial audit list
      seatrial audit list --kind run.ended -n 100 --format json
    """
    entries = _log().newest(limit, kind=kind, subject=subject)
    if form == "json":
        emit(json.dumps({"schema": "seatrial.audit/v1", "entries": [entry._asdict() for entry in entries]}, indent=2) + "\n")
    elif entries:
        emit("".join(_row(entry) for entry in entries))
    else:
        click.echo("there is no such entry" if kind or subject else "there is no entry yet", err=True)
    return 0


@audit.command()
@form
@common
@of_this_machine
def checkpoint(form: str) -> int:
    """Print the newest entry's number, time and hash on one line, to be kept where nobody who can write the database can.

    \b
    Examples:
      seatrial audit checkpoint >> /somewhere/else/seatrial.checkpoints
    """
    newest = _log().head()
    if form == "json":
        emit(json.dumps({"schema": "seatrial.checkpoint/v1", "checkpoint": newest._asdict() if newest else None}, indent=2) + "\n")
    elif newest:
        emit(newest.line + "\n")
    else:
        click.echo("there is no entry yet", err=True)
    return 0


def _log() -> "AuditLog":
    from runner.store.audit import AuditLog
    from runner.store.places import places

    return AuditLog(places().state)


def _checkpoints(file: Path) -> "tuple[Checkpoint, ...]":
    """The checkpoints that somebody kept; every line must be one, or the answer would be about fewer than were meant."""
    from runner.store.checkpoints import read

    try:
        with file.open("rb") as stream:
            lines = stream.read(_MOST_READ).decode("utf-8", "replace").splitlines()
    except OSError as problem:
        raise UsageError(f"{file} cannot be read: {problem.strerror}") from problem
    hint = "A line is what `seatrial audit checkpoint` prints: number, time, hash."
    found = [(number, read(line.strip())) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise UsageError(f"{file} holds no checkpoint", hint=hint)
    if bad := [number for number, one in found if one is None]:
        raise UsageError(f"line {bad[0]} of {file} is no checkpoint", hint=hint)
    return tuple(one for _, one in found if one is not None)


def _told(found: "Verified") -> str:
    compared = f"{found.checkpoints} checkpoint{'' if found.checkpoints == 1 else 's'}"
    if found.flaw is None:
        entries = f"{found.entries} entries" if found.entries != 1 else "1 entry"
        return f"WHOLE  {entries}, each follows the one before; {compared} agree\n"
    before = f"the {found.entries} before it are whole" if found.entries else "nothing before it is left to trust"
    return f"BROKEN at {found.flaw.seq}\n{printable(found.flaw.what)}\n{before}; {compared} agree with them\n"


def _as_json(found: "Verified") -> dict[str, object]:
    flaw = {"seq": found.flaw.seq, "what": found.flaw.what} if found.flaw else None
    return {"whole": found.flaw is None, "entries": found.entries, "checkpoints": found.checkpoints, "flaw": flaw}


def _row(entry: "AuditEntry") -> str:
    body = _DIGEST.sub(r"\1…", json.dumps(entry.body, sort_keys=True))
    shown = (printable(entry.kind), printable(entry.subject), cut(printable(body), _BODY) if entry.body else "")
    return f"{entry.seq:>7}  {_when(entry.at)}  {shown[0]:<16}  {shown[1]}  {shown[2]}".rstrip() + "\n"


def _when(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (OverflowError, ValueError, OSError):  # an edited entry may hold anything
        return f"{at:<20}"
