"""The options by which a change is named, and the way its report goes out: the same for `check` and `submit`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from runner.cli.failure import of_error, report
from runner.cli.output import check_writable, emit, save
from runner.cli.settings import settings, stdout_colors
from runner.errors import InfrastructureError, UsageError
from runner.reports.exits import Exit
from runner.reports.formats import FORMATS, known, written

if TYPE_CHECKING:
    from runner.reports.report import Report

Command = TypeVar("Command", bound=Callable[..., Any])
_LONGEST_NAME = 200


def name(_context: click.Context, parameter: click.Parameter, given: str) -> str:
    """A name for people, as an option gives it."""
    said = given.strip()
    if len(said) > _LONGEST_NAME or not said.isprintable():
        raise UsageError(f"--{parameter.name} is a name of at most {_LONGEST_NAME} printable characters")
    return said


def change_options(command: Command) -> Command:
    """Add --repo, --base, --as, --policy and --author to a command about a change."""
    kinds = click.Choice(("diff", "revision", "range", "work", "overlay", "edits"))
    a_file = click.Path(path_type=Path)
    options = (
        click.option("--repo", type=a_file, default=Path(), help="The repository the change is for. [default: .]"),
        click.option("--base", metavar="REV", help="The commit the change is based on. [default: see above]"),
        click.option("--as", "kind", type=kinds, help="What CHANGE is, where its looks leave that open."),
        click.option("--policy", metavar="FILE", type=a_file, help="Judge by this file. [default: .seatrial/policy.yaml of the base]"),
        click.option(
            "--author",
            metavar="NAME",
            default="",
            callback=name,
            help="Who made the change, by your word: what the gates count by. [default: nobody's word]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def report_files(command: Command) -> Command:
    """Add --report, repeatable."""
    return click.option(
        "--report",
        "reports",
        metavar="FORMAT=PATH",
        multiple=True,
        help="Also write the report to a file, e.g. sarif=out.sarif; repeatable, with every format that --format knows.",
    )(command)


def report_file(text: str) -> tuple[str, Path]:
    """What --report names: raises UsageError where it could not be written later."""
    style, equals, path = text.partition("=")
    if not equals or not path:
        raise UsageError(
            f"'{text}' is no FORMAT=PATH for --report", hint=f"FORMAT is one of: {', '.join(FORMATS)}; e.g. --report json=report.json"
        )
    known(style)
    check_writable(Path(path))
    return style, Path(path)


def stdin_of(change: str | None) -> bytes | None:
    """What is on standard input, where the change is `-`."""
    return _read(sys.stdin.buffer) if change == "-" and sys.stdin is not None else None


def handed_out(answer: "Report", form: str, files: list[tuple[str, Path]]) -> int:
    """Write a report to stdout and to files; the exit code of the command."""
    numbers = settings().verbose
    problems = [problem for style, path in files if (problem := _saved(path, written(answer, style, full=True, numbers=numbers)))]
    emit(written(answer, form, color=form == "text" and stdout_colors(), numbers=numbers))
    for problem in problems:
        report(of_error(problem))
    return Exit.INFRASTRUCTURE if problems or answer.exit_code is None else answer.exit_code


def here() -> Path:
    """The current directory, or `/` when it is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:  # removed meanwhile
        return Path("/")


def _saved(path: Path, text: str) -> InfrastructureError | None:
    try:
        save(path, text)
    except InfrastructureError as problem:
        return problem
    return None


def _read(stream: BinaryIO) -> bytes:
    from runner.changes.diff import read_bounded

    if stream.isatty():
        click.echo("reading a change from the terminal; end it with Ctrl-D", err=True)
    return read_bounded(stream)
