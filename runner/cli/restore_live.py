"""`seatrial backup restore --live`: a backup is put into its target again."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from runner.cli.landing import followed, person
from runner.cli.output import emit
from runner.model.text import printable

if TYPE_CHECKING:
    from runner.model.run import Run

_MOST: Final = 50


def restore_live(name: str, form: str, *, dry: bool, target: str | None, reason: str, who: str, file: Path | None) -> int:
    """Do it and write the report of its run; with `dry` say which files would change."""
    from runner.reports.progress import Silent
    from runner.wiring.restoring import restore

    if not reason and not dry:
        raise click.UsageError("--live needs a --reason")
    given: dict[str, Any] = {"target": target, "policy": file, "who": person(who), "reason": reason}
    if not dry:
        return followed(lambda progress: restore(name, progress=progress, **given), form)
    emit(_told(restore(name, progress=Silent(), dry=True, **given), form))
    return 0


def _told(run: "Run", form: str) -> str:
    files = run.change.files
    if form == "json":
        rows = [{"path": file.path, "status": file.status.value} for file in files]
        return json.dumps({"schema": "seatrial.restore/v1", "target": run.target, "dry_run": True, "paths": rows}, indent=2) + "\n"
    lines = [f"would restore {run.change.source} to {printable(run.target)}: {len(files)} files differ"]
    lines += [f"  {file.status.value}  {printable(file.path)}" for file in files[:_MOST]]
    lines += [f"  … and {len(files) - _MOST} more"] if len(files) > _MOST else []
    return "".join(f"{line}\n" for line in lines)
