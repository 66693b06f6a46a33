"""`seatrial backup`: what targets were, as the vault keeps it."""

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from runner.cli.asking import name as person_name
from runner.cli.output import emit
from runner.cli.settings import common, form, policy_here, settings
from runner.model.text import cut, printable, shown
from runner.reports.exits import Exit

if TYPE_CHECKING:
    from runner.ports import BackupRecord, Progress
    from runner.store.backups import SqlBackups
    from runner.vault.options import Options
    from runner.vault.pruning import Pruned
    from runner.vault.vault import Damage, FileVault

_SHORT: Final = 12
_REASON: Final = 40
_EVERY: Final = 2.0
"""Seconds between two words on how far a long work is."""


@click.group()
@common
def backup() -> None:
    """List, verify, restore, pin and prune what targets were before they were changed.

    ID is the id of a backup, the beginning of one, or `latest`. Two backups of the same content are one.

    \b
    Examples:
      seatrial backup list
      seatrial backup verify --all
      seatrial backup restore latest --to /srv/app.before
    """


@backup.command("list")
@click.option("--target", metavar="TARGET", help="Only those of this target, e.g. dir:/srv/app.")
@form
@common
def list_(target: str | None, form: str) -> int:
    """List the backups in this machine's vault, newest first.

    \b
    Examples:
      seatrial backup list
      seatrial backup list --target dir:/srv/app --format json
    """
    from runner.wiring.backups import as_json

    records, _ = _record().all()
    records = tuple(record for record in records if target is None or record.target == _storable(target))
    if form == "json":
        emit(json.dumps({"schema": "seatrial.backups/v1", "backups": [as_json(record) for record in records]}, indent=2) + "\n")
    elif records:
        emit("".join(f"{line}\n" for line in _table(records)))
    else:
        click.echo("there is no such backup" if target else "there is no backup yet", err=True)
    return 0


@backup.command()
@click.argument("name", metavar="ID")
@click.option("--files", is_flag=True, help="List everything that it holds.")
@form
@common
def show(name: str, files: bool, form: str) -> int:  # noqa: FBT001 - click's way
    """Show what a backup holds, whose it is, and why it stays. Nothing is verified here but its manifest.

    \b
    Examples:
      seatrial backup show latest
      seatrial backup show 4f1d --files
    """
    from runner.wiring.backups import contents, contents_json

    record = _record()
    found = contents(name, record, _vault(record=record))
    counts, records = found.counts, found.records
    if form == "json":
        emit(json.dumps(contents_json(found, entries=files), indent=2) + "\n")
        return 0
    lines = [
        found.id,
        f"{_counted(counts['file'], 'file')}, {_counted(counts['link'], 'link')}, {_counted(counts['folder'], 'folder')}, {_size(found.size)}",
    ]
    lines += [f"{printable(one.target)}  made {_when(one.made)} by run {printable(one.run)}  {_state(one)}" for one in records]
    if not records:
        lines.append("the record does not know it")
    if files:
        lines += [f"{entry.kind:<6} {entry.mode:04o} {entry.size:>12} {printable(shown(entry.path)) or '.'}" for entry in found.entries]
    emit("".join(f"{line}\n" for line in lines))
    return 0


@backup.command()
@click.argument("names", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All backups of this machine's vault.")
@click.option("--share", metavar="SHARE", help="Only so many of them, e.g. 10%: those whose last verification is longest ago.")
@form
@common
def verify(names: tuple[str, ...], everything: bool, share: str | None, form: str) -> int:  # noqa: FBT001 - click's way
    """Read backups from the disk, and say what is damaged.

    A damaged one counts as no backup any more, until it is made again or found whole.

    \b
    Examples:
      seatrial backup verify latest
      seatrial backup verify --all
      seatrial backup verify --all --share 10%

    Exit codes: 0 whole, 4 damaged or cannot be read.
    """
    if bool(names) == everything:
        raise click.UsageError("name the backups to verify, or give --all")
    if share is not None and not everything:
        raise click.UsageError("--share goes with --all")
    from runner.wiring.backups import named, verified_json

    record = _record()
    vault = _vault(record=record)
    chosen = _share(record.all()[0], share) if everything else tuple(dict.fromkeys(named(name, record, vault) for name in names))
    answers: dict[str, tuple[Damage, ...]] = {}
    seen: dict[str, str] = {}
    for number, found in enumerate(chosen, 1):
        with _working(f"verify {found[:_SHORT]} ({number} of {len(chosen)})") as progress:
            answers[found] = vault.examine(found, progress=progress, seen=seen)
    if form == "json":
        emit(
            json.dumps({"schema": "seatrial.backup-verify/v1", "backups": [verified_json(*answer) for answer in answers.items()]}, indent=2)
            + "\n"
        )
    else:
        emit("".join(f"{line}\n" for answer in answers.items() for line in _verdict(*answer)))
    if not chosen:
        click.echo("there is no backup yet", err=True)
    return Exit.INFRASTRUCTURE if any(answers.values()) else 0


@backup.command()
@click.argument("name", metavar="ID")
@click.option(
    "--to", "destination", metavar="FOLDER", type=click.Path(path_type=Path), help="Lay it out as a folder that is absent or empty."
)
@click.option("--live", is_flag=True, help="Make the target that it is of what it was.")
@click.option("--target", metavar="TARGET", help="With --live: which one, where the backup is of several, as `backup list` shows it.")
@click.option("--reason", metavar="TEXT", default="", callback=person_name, help="With --live: why, for the record.")
@click.option(
    "--by", "who", metavar="NAME", default="", callback=person_name, help="With --live: whose word it is. [default: your user name]"
)
@click.option(
    "--policy",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --live: go by this file. [default: as the run that made it]",
)
@click.option("--dry-run", "dry", is_flag=True, help="Verify everything, say what would change, and change nothing.")
@form
@common
def restore(name: str, destination: Path | None, live: bool, dry: bool, form: str, **given: Any) -> int:  # noqa: FBT001 - click's way
    """Verify a backup, and lay it out as a folder, or put it into its target again.

    All of it appears at once, or nothing of it. With --live it is a promotion: what the target holds is backed up first, the policy's command
    and probes follow, and `seatrial rollback` takes it back. Tests and gates are not asked.

    \b
    Examples:
      seatrial backup restore latest --to /srv/app.before
      seatrial backup restore 4f1d --live --reason "OPS-9"
      seatrial backup restore 4f1d --to /tmp/look --dry-run

    Exit codes: 0 restored, 2 the folder or target cannot be used, 4 the backup is damaged, or there is no room; with --live also those
    of `seatrial submit`.
    """
    if live == (destination is not None):
        raise click.UsageError("give either --to FOLDER or --live")
    if live:
        from runner.cli.restore_live import restore_live

        return restore_live(name, form, dry=dry, **given)
    if destination is None:
        raise click.UsageError("give --to FOLDER")
    from runner.wiring.backups import named

    record = _record()
    vault = _vault(record=record)
    found = named(name, record, vault)
    with _working(f"restore {found[:_SHORT]}") as progress:
        restored = vault.restore(found, destination, dry=dry, progress=progress)
    for lost in restored.lost:
        click.echo(f"seatrial: {printable(lost)}", err=True)
    if restored.unrecorded:
        click.echo(f"seatrial: restored, but that could not be recorded: {printable(restored.unrecorded)}", err=True)
    if form == "json":
        answer = {"schema": "seatrial.restore/v1", "id": found, "folder": str(destination), "dry_run": dry}
        emit(json.dumps({**answer, "files": restored.files, "size": restored.size, "lost": restored.lost}, indent=2) + "\n")
    else:
        what = f"{_counted(restored.files, 'file')}, {_size(restored.size)}"
        emit(f"{'would restore' if dry else 'restored'} {found[:_SHORT]} to {printable(str(destination))}: {what}\n")
    return 0


@backup.command()
@click.argument("name", metavar="ID")
@click.option("--reason", metavar="TEXT", help="Why it must stay.")
@click.option("--off", is_flag=True, help="It need not stay any more.")
@form
@common
def pin(name: str, reason: str | None, off: bool, form: str) -> int:  # noqa: FBT001 - click's way
    """Keep a backup until it is unpinned, whatever the policy says.

    \b
    Examples:
      seatrial backup pin latest --reason "before the great migration"
      seatrial backup pin 4f1d --off
    """
    if off == bool(reason and reason.strip()):
        raise click.UsageError("give either --reason with a text, or --off")
    record = _record()
    found = record.find(name)
    reason = (reason or "").strip() or None
    record.pin(found, reason or "")
    if form == "json":
        emit(json.dumps({"schema": "seatrial.pin/v1", "id": found, "pinned": reason}, indent=2) + "\n")
    else:
        emit(f"{found[:_SHORT]} {'need not stay any more' if off else 'stays'}\n")
    return 0


@backup.command()
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be done, and change nothing.")
@policy_here
@form
@common
def prune(dry: bool, file: Path | None, repo: Path, form: str) -> int:  # noqa: FBT001 - click's way
    """Mark what no rule keeps; delete what was marked long ago.

    The rules are those of the policy's section `backup`, and a backup is deleted by a prune at least `advanced.grace` after it was marked.
    The newest good backup of each target, pinned ones, and those that a run may need always stay.

    \b
    Examples:
      seatrial backup prune --dry-run
      seatrial backup prune --policy strict.yaml

    Exit codes: 0 done, 4 something could not be deleted.
    """
    from runner.wiring import policies

    vault = _vault(policies.policy_here(file, repo).policy.backup)
    with _working("prune") as progress:
        done = vault.prune(dry=dry, waiting=progress.wait)
    if done.problem:
        click.echo(f"seatrial: {printable(done.problem)}", err=True)
    emit(_pruned_json(done, dry=dry) if form == "json" else "".join(f"{line}\n" for line in _pruned(done, dry=dry)))
    return Exit.INFRASTRUCTURE if done.problem else 0


class _Working:
    """Says how far a long work is, now and then."""

    def __init__(self, progress: "Progress", stage: str) -> None:
        self._progress, self._stage = progress, stage
        self._said = time.monotonic()

    def __call__(self, done: int, number: int) -> None:
        """So many of so many things are done."""
        if (now := time.monotonic()) - self._said >= _EVERY:
            self._said = now
            self._progress.stage(f"{self._stage}: {done} of {number}")

    def wait(self) -> None:
        """Somebody else is at work."""
        self._progress.note("waiting until a backup that is being made or read is done")


@contextmanager
def _working(stage: str) -> Iterator[_Working]:
    from runner.reports.progress import shown as showing

    asked = settings()
    with showing(sys.stderr, quiet=asked.quiet, verbose=asked.verbose, color=asked.colors(sys.stderr)) as progress:
        progress.stage(stage)
        yield _Working(progress, stage)


def _record() -> "SqlBackups":
    from runner.store.backups import SqlBackups
    from runner.store.places import places

    return SqlBackups(places().state)


def _vault(options: "Options | None" = None, *, record: "SqlBackups | None" = None) -> "FileVault":
    from runner.store.places import places
    from runner.wiring.backups import vault_of

    return vault_of(places().state, record or _record(), options)


def _storable(target: str) -> str:
    from runner.store.names import storable

    return storable(target)


def _share(records: "Sequence[BackupRecord]", share: str | None) -> tuple[str, ...]:
    """The ids of so many backups, those first whose last verification is longest ago."""
    from runner.model.units import percent

    try:
        part = 1.0 if share is None else percent(share)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--share") from problem
    if not isinstance(part, float) or not 0 < part <= 1:
        raise click.BadParameter("give more than 0% and at most 100%", param_hint="--share")
    ids = tuple(dict.fromkeys(record.id for record in sorted(records, key=lambda record: (record.verified or 0.0, record.id))))
    return ids[: math.ceil(len(ids) * part)]


def _table(records: "Sequence[BackupRecord]") -> Iterator[str]:
    rows = [("BACKUP", "MADE", "FILES", "SIZE", "STATE", "TARGET")]
    rows += [(one.id[:_SHORT], _when(one.made), str(one.files), _size(one.size), _state(one), printable(one.target)) for one in records]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    yield from ("  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1])) for row in rows)


def _state(record: "BackupRecord") -> str:
    """`verified, in use, pinned: because`."""
    said = ["DAMAGED" if record.verified is None else "verified"]
    said += ["in use"] if record.used else []
    said += [f"spare since {_when(record.marked)}"] if record.marked is not None else []
    said += [f"pinned: {cut(printable(record.pinned), _REASON)}"] if record.pinned else []
    return ", ".join(said)


def _verdict(name: str, damages: "Sequence[Damage]") -> Iterator[str]:
    yield f"{'DAMAGED' if damages else 'WHOLE  '}  {name}"
    for damage in damages:
        yield from (f"  {printable(shown(path))}: {printable(damage.what)}" for path in damage.paths)
        if not damage.paths:
            yield f"  {printable(damage.what)}"


def _pruned(done: "Pruned", *, dry: bool) -> Iterator[str]:
    verb = "would delete" if dry else "deleted"
    yield from (f"{verb} {one.id[:_SHORT]}  made {_when(one.made)}  {printable(one.target)}" for one in done.deleted)
    yield from (
        f"{'spare' if one.marked is not None or not dry else 'would mark'} {one.id[:_SHORT]}  made {_when(one.made)}  {printable(one.target)}"
        for one in done.marked
    )
    yield f"{len(done.deleted)} {'to delete' if dry else 'deleted'}, {len(done.marked)} spare, {done.stay} stay; {_size(done.freed)} {'to free' if dry else 'freed'}"


def _pruned_json(done: "Pruned", *, dry: bool) -> str:
    from runner.wiring.backups import as_json

    rows = {"deleted": [as_json(one) for one in done.deleted], "spare": [as_json(one) for one in done.marked]}
    answer = {"schema": "seatrial.backup-prune/v1", "dry_run": dry, **rows, "stay": done.stay, "freed": done.freed}
    return json.dumps({**answer, "problem": done.problem or None}, indent=2) + "\n"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _size(count: int) -> str:
    from runner.model.units import show_size

    return show_size(count)


def _when(at: float) -> str:
    from runner.wiring.backups import moment

    return moment(at)[:16].replace("T", " ") + "Z"
