"""`seatrial run`: the record of runs."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from runner.cli.desk import Desk, desk
from runner.cli.output import emit
from runner.cli.running import VERBS
from runner.cli.settings import common, form, report_form, server, settings, stdout_colors
from runner.errors import StoreUnavailable, UsageError
from runner.model.text import cut, inert, printable

if TYPE_CHECKING:
    from runner.store.runs import Record

_REASON = 70
_LONGEST_WAIT = 300
_MARGIN = 14
_GOES_ON = ("queued", "running")


@click.group()
@common
def run() -> None:
    """List and show recorded runs and their logs, and decide about submitted ones. RUN is an id, the unique beginning of one, or `latest`.

    \b
    Examples:
      seatrial run list
      seatrial run show latest
      seatrial run logs 3fa9 --suite patched
      seatrial run approve 3fa9 --reason "reviewed, the new dependency is ours"
      seatrial run wait latest --timeout 10m
    """


@run.command("list")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@form
@server
@common
def list_(limit: int, form: str) -> int:
    """List runs, newest first.

    \b
    Examples:
      seatrial run list
      seatrial run list --limit 100 --format json
    """
    by = desk()
    records = by.records(limit)
    if form == "json":
        rows = [record.model_dump(mode="json", exclude={"report", "decisions"}) for record in records]
        emit(json.dumps({"schema": "seatrial.runs/v1", "runs": rows}, indent=2) + "\n")
    elif records:
        emit("".join(_row(record, by.flag) for record in records))
    else:
        click.echo("there is no run yet; `seatrial check` makes one", err=True)
    return 0


@run.command()
@click.argument("run_", metavar="RUN")
@report_form
@server
@common
def show(run_: str, form: str) -> int:
    """Show the whole report of RUN again. The exit code is 0, whatever the verdict was.

    \b
    Examples:
      seatrial run show latest
      seatrial run show 3fa9 --format json
      seatrial run show latest --format markdown >> "$GITHUB_STEP_SUMMARY"
    """
    by = desk()
    record = by.record(run_)
    if record.report is None:
        emit(_without_report(record, form, by))
    else:
        emit(_as_json(record, record.report) if form == "json" else _written(record, record.report, form))
    return 0


@run.command()
@click.argument("run_", metavar="RUN")
@click.option("--suite", metavar="NAME", help="Only this one, e.g. base or patched.")
@click.option("-f", "--follow", is_flag=True, help="Say on stderr which stage it comes to, until it is held or ends.")
@form
@server
@common
def logs(run_: str, suite: str | None, follow: bool, form: str) -> int:  # noqa: FBT001 - click's way
    """Show the ends of what the suites of RUN printed.

    \b
    Examples:
      seatrial run logs latest
      seatrial run logs -f latest
      seatrial run logs 3fa9 --suite patched
    """
    by = desk()
    run_id = by.record(run_).id
    if follow:
        _follow(by, run_id)
    found = by.logs(run_id)
    if suite is not None and suite not in found:
        raise UsageError(f"run {run_id} has no log '{suite}'", hint=f"It has: {', '.join(found) or 'none'}.")
    found = {name: text for name, text in found.items() if suite in (None, name)}
    if form == "json":
        emit(json.dumps({"schema": "seatrial.logs/v1", "run": run_id, "logs": found}, indent=2) + "\n")
    elif not found:
        click.echo(f"run {run_id} left no log: no suite was started, or it has not ended", err=True)
    else:
        emit("\n".join(_log(name, text, titled=len(found) > 1) for name, text in found.items()))
    return 0


for _verb in VERBS:
    run.add_command(_verb)


def _follow(by: Desk, run_id: str) -> None:
    said = ""
    while True:
        record = by.record(run_id)
        if record.stage not in ("", said):
            said = record.stage
            click.echo(f"{datetime.now(UTC):%H:%M:%S}Z  {printable(said)}", err=True)
        if record.state not in _GOES_ON:
            return
        time.sleep(by.look)


def _row(record: "Record", flag: str) -> str:
    """A run in a line; of one that waits for a person, in further ones why, and what to type."""
    when = record.started[:19].replace("T", " ")
    reason = "" if record.waits else cut(printable(record.reason), _REASON)
    first = f"{record.id:<12}  {when}Z  {_fate(record):<9}  {cut(printable(record.repository), 40)}  {reason}".rstrip()
    return "".join(f"{line}\n" for line in (first, *(f"{'':<{_MARGIN}}{line}" for line in _waits(record, flag))))


def _fate(record: "Record") -> str:
    if record.ending or record.state != "running":
        return record.ending or record.state
    if record.waits:
        return "waiting"
    return f"running ({record.stage})" if record.target and record.stage else "running"


def _waits(record: "Record", flag: str) -> Iterator[str]:
    """What a run waits for, and what a person types."""
    if record.waits:
        from runner.model.said import typed

        yield f"waits for a person: {cut(printable(record.waits), _LONGEST_WAIT)}"
        yield from typed(record.id, record.verbs, flag)


def _unfinished(record: "Record", landing: Iterable[str], flag: str) -> str:
    from runner.model.said import sentence

    lines = (
        f"{(record.ending or _fate(record).partition(' ')[0]).upper()}  {record.id}",
        *_waits(record, flag),
        *(f"said        {sentence(said)}" for said in record.decisions),
        f"began {record.started[:19].replace('T', ' ')}Z and has no report: {printable(record.reason) or 'it goes on'}",
        f"repository  {printable(record.repository)}",
        f"base        {printable(record.base)}",
        f"change      {printable(record.change_id)}",
    )
    return "\n".join((*lines, *(landing if record.target else ()))) + "\n"


def _without_report(record: "Record", form: str, by: Desk) -> str:
    if form == "json":
        return json.dumps({"schema": "seatrial.run/v1", **record.model_dump(mode="json")}, indent=2) + "\n"
    if form == "text":
        return _unfinished(record, by.landing(record), by.flag)
    hint = f"`seatrial run show {record.id}` says what is known of it."
    raise UsageError(f"run {record.id} has no report that could be written as {form}: {record.reason or 'it goes on'}", hint=hint)


def _as_json(record: "Record", report: str) -> str:
    """The report as it was recorded, and what people said to the run."""
    kept: Any = None
    if record.decisions:
        with suppress(ValueError, RecursionError):  # not ours to mend
            kept = json.loads(report)
    if not isinstance(kept, dict):
        return report.rstrip("\n") + "\n"
    return inert(json.dumps({**kept, "decisions": [said.model_dump() for said in record.decisions]}, indent=2)) + "\n"


def _written(record: "Record", report: str, form: str) -> str:
    from runner.reports.formats import written
    from runner.reports.report import from_json, with_decisions

    try:
        read = from_json(report)
    except ValueError as problem:
        hint = f"`seatrial run show {record.id} --format json` prints it as it is."
        raise StoreUnavailable(f"the report of run {record.id} is not one that this version can read", hint=hint) from problem
    return written(with_decisions(read, record.decisions), form, color=stdout_colors(), full=True, numbers=settings().verbose)


def _log(name: str, text: str, *, titled: bool) -> str:
    title = f"==> {name} <==\n" if titled else ""
    shown = printable(text.replace("\r\n", "\n"), lines=True)
    return title + shown + ("" if shown.endswith("\n") else "\n")
