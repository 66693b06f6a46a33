"""What a person or a program is told when a command ends without its answer."""

import json
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import click
from click.exceptions import NoArgsIsHelpError

from runner.cli import bugs
from runner.cli.output import emit
from runner.errors import InfrastructureError, PolicyInvalid, SeatrialError, UsageError, machine_at_fault
from runner.model.text import printable
from runner.reports.exits import Exit, exit_of_problem, signal_of, was_stopped
from runner.store.address import scrubbed

SCHEMA = "seatrial.error/v1"


class Failure(NamedTuple):
    """What happened, what to do, and the exit code."""

    code: str
    message: str
    hint: str
    exit_code: int


def explain(problem: BaseException, arguments: Sequence[str]) -> int:
    """Say what happened, on stderr and with `--format json` or `github` on stdout in that form, too; the exit code."""
    if isinstance(problem, NoArgsIsHelpError):
        _say(problem.ctx.get_help() if problem.ctx else problem.format_message())
        return Exit.USAGE
    failure = _failure(problem, arguments)
    failure = failure._replace(message=scrubbed(failure.message), hint=scrubbed(failure.hint))
    report(failure)
    form = wanted(arguments)
    if form == "json":
        emit(json.dumps({"schema": SCHEMA, **failure._asdict()}, indent=2) + "\n")
    elif form == "github":
        from runner.reports.github import command

        emit(command("error", "\n".join(filter(None, (failure.message, failure.hint))), title=f"seatrial: {failure.code}") + "\n")
    return failure.exit_code


def report(failure: Failure) -> None:
    """Say what happened, and what to do, on stderr."""
    first, *rest = failure.message.splitlines() or [""]
    _say("\n".join([f"seatrial: {printable(first)}", *(printable(line) for line in rest)]))
    for line in failure.hint.splitlines():
        _say(f"  {printable(line)}")


def wanted(arguments: Sequence[str]) -> str:
    """The --format that the command line asks for, understood even where the rest of it is not; empty for none."""
    asked = ""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--":
            break
        if word == "--format":
            asked = following
        elif word.startswith("--format="):
            asked = word.removeprefix("--format=")
    return asked


def of_error(problem: SeatrialError) -> Failure:
    """An expected error with its exit code."""
    if isinstance(problem, PolicyInvalid):
        many = f"the policy has {len(problem.problems)} faults" if len(problem.problems) != 1 else "the policy cannot be used"
        return Failure(problem.code, "\n".join((many, *problem.problems)), problem.hint, exit_of_problem(problem))
    return Failure(problem.code, str(problem), problem.hint, exit_of_problem(problem))


def _failure(problem: BaseException, arguments: Sequence[str]) -> Failure:
    if isinstance(problem, SeatrialError):
        return of_error(problem)
    if isinstance(problem, click.ClickException):
        path = problem.ctx.command_path if isinstance(problem, click.UsageError) and problem.ctx else "seatrial"
        message = re.sub(r"\s*\n\s*", " ", problem.format_message())
        return Failure(UsageError.code, message, f"`{path} --help` shows what there is.", Exit.USAGE)
    if isinstance(problem, click.Abort) or (was_stopped(problem) and signal_of(problem) == signal.SIGINT):
        return Failure("interrupted", "interrupted", "", Exit.INTERRUPTED)
    if was_stopped(problem):
        return Failure("terminated", f"stopped by signal {signal_of(problem)}", "", exit_of_problem(problem))
    if isinstance(problem, OSError) and machine_at_fault(problem):
        where = f" ({problem.filename})" if problem.filename else ""
        return Failure(
            InfrastructureError.code,
            f"{problem.strerror}{where}",
            "Mend that, then try again; see `seatrial doctor`.",
            Exit.INFRASTRUCTURE,
        )
    return _bug(problem, arguments)


def _bug(problem: BaseException, arguments: Sequence[str]) -> Failure:
    what = f"this is a bug in Seatrial: {type(problem).__name__}: {str(problem)[:300]}".replace("\n", " ")
    try:
        return Failure("bug", what, f"Please report it with the log {bugs.write(problem, arguments)}", Exit.BUG)
    except (OSError, SeatrialError):
        _say(printable(bugs.text(problem, arguments), lines=True))
        return Failure("bug", what, "Please report it with the lines above; no log could be written.", Exit.BUG)


def _say(text: str) -> None:
    with suppress(OSError, ValueError):
        data = (text + "\n").encode(getattr(sys.stderr, "encoding", None) or "utf-8", "backslashreplace")
        click.echo(data, err=True, nl=False)
