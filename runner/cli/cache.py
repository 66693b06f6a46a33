"""`seatrial cache`: what is kept between checks, and clearing it."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.output import emit
from runner.cli.settings import common, form
from runner.errors import InfrastructureError
from runner.model.text import printable
from runner.reports.exits import Exit

if TYPE_CHECKING:
    from runner.sandbox.cached import Cleared, Entry

_CHOICES = ("snapshots", "baselines", "settled", "history", "registry", "other")
_MEANING = {
    "snapshots": "base trees, as directories",
    "baselines": "results of base suites",
    "settled": "how bases are installed and tested, where no policy says so",
    "history": "what commits look like, in numbers",
    "registry": "whether a registry answered lately",
    "locks": "",
    "live": "runs in progress, and what killed ones left until the next start",
    "other": "nothing that this version knows",
}


@click.group()
@common
def cache() -> None:
    """Say what is kept between checks, and clear it. Nothing in the cache is needed: what is gone is made again.

    \b
    Examples:
      seatrial cache info
      seatrial cache clear --older-than 7d
    """


@cache.command()
@form
@common
def info(form: str) -> int:
    """Say how much the cache holds, by kind, and when it was last used. Images are the engine's: seatrial image list.

    \b
    Examples:
      seatrial cache info
      seatrial cache info --format json
    """
    from runner.model.units import show_size
    from runner.sandbox import cached

    folder = _folder()
    with _reading(folder):
        found = cached.entries(folder)
    kinds = [_kind(kind, [entry for entry in found if entry.kind == kind]) for kind in cached.KINDS]
    total = sum(entry.size for entry in found)
    if form == "json":
        emit(json.dumps({"schema": "seatrial.cache/v1", "directory": str(folder), "size": total, "kinds": kinds}, indent=2) + "\n")
        return 0
    lines = [f"{printable(str(folder))}  {show_size(total)}", *(_line(kind) for kind in kinds if kind["count"])]
    emit("\n".join(lines) + "\n")
    return 0


@cache.command()
@click.option("--older-than", "age", metavar="AGE", help="Only what was last used longer ago, e.g. 7d or 12h.")
@click.option("--kind", "kinds", type=click.Choice(_CHOICES), multiple=True, help="Only this kind; repeatable. [default: all but other]")
@form
@common
def clear(age: str | None, kinds: tuple[str, ...], form: str) -> int:
    """Remove what the cache holds; what a running check uses stays. Safe while checks run, and safe to interrupt.

    \b
    Examples:
      seatrial cache clear
      seatrial cache clear --older-than 7d
      seatrial cache clear --kind snapshots

    Exit codes: 0 done, 4 something could not be removed.
    """
    from runner.sandbox import cached

    before = time.time() - _seconds(age) if age is not None else None
    folder = _folder()
    with _reading(folder):
        done = cached.clear(folder, kinds or cached.CLEARED, before)
    for problem in done.problems:
        click.echo(f"seatrial: {printable(problem)}", err=True)
    emit(_as_json(folder, done) if form == "json" else _as_text(done))
    return Exit.INFRASTRUCTURE if done.problems else 0


def _folder() -> Path:
    from runner.store.places import claim, places

    return claim(places().cache)


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise InfrastructureError(f"the cache {folder} cannot be read or written: {problem.strerror}") from problem


def _seconds(age: str) -> float:
    from runner.model.units import duration

    try:
        found = duration(age)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--older-than") from problem
    return float(found) if isinstance(found, float) else 0.0


def _kind(kind: str, entries: "Sequence[Entry]") -> dict[str, Any]:
    times = [entry.used for entry in entries]
    return {
        "kind": kind,
        "count": len(entries),
        "size": sum(entry.size for entry in entries),
        "in_use": sum(entry.in_use for entry in entries),
        "oldest_use": _moment(min(times)) if times else None,
        "newest_use": _moment(max(times)) if times else None,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _line(kind: dict[str, Any]) -> str:
    from runner.model.units import show_size

    used = f"{kind['oldest_use'][:16]}Z .. {kind['newest_use'][:16]}Z".replace("T", " ")
    busy = f"  {kind['in_use']} in use" if kind["in_use"] else ""
    return f"  {kind['kind']:<10} {kind['count']:>6}  {show_size(kind['size']):>9}  used {used}  {_MEANING[kind['kind']]}{busy}".rstrip()


def _as_text(done: "Cleared") -> str:
    from runner.model.units import show_size

    kept = f", {len(done.kept)} in use and kept" if done.kept else ""
    return f"{len(done.removed)} removed, {show_size(done.freed)} freed{kept}\n"


def _as_json(folder: Path, done: "Cleared") -> str:
    answer = {"schema": "seatrial.clear/v1", "directory": str(folder), "freed": done.freed}
    rows = {"removed": [_row(e) for e in done.removed], "kept": [_row(e) for e in done.kept], "problems": done.problems}
    return json.dumps({**answer, **rows}, indent=2) + "\n"


def _row(entry: "Entry") -> dict[str, Any]:
    return {"kind": entry.kind, "name": entry.name, "size": entry.size, "used": _moment(entry.used)}
