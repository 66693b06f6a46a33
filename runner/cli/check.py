"""`seatrial check`: judge a change and change nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from runner.cli.failure import of_error, report
from runner.cli.output import check_writable, emit, save
from runner.cli.settings import common, report_form, settings, stdout_colors
from runner.errors import InfrastructureError, UsageError
from runner.reports.exits import Exit
from runner.reports.formats import FORMATS, known, written

if TYPE_CHECKING:
    from runner.model.run import Run
    from runner.reports.report import Report

_LONGEST_NAME = 200


def _name(_context: click.Context, _parameter: click.Parameter, given: str) -> str:
    name = given.strip()
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(f"--author is a name of at most {_LONGEST_NAME} printable characters")
    return name


@click.command()
@click.argument("change", required=False)
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), help="The repository the change is for. [default: .]")
@click.option("--base", metavar="REV", help="The commit the change is based on. [default: see above]")
@click.option(
    "--as",
    "kind",
    type=click.Choice(("diff", "revision", "range", "work", "overlay", "edits")),
    help="What CHANGE is, where its looks leave that open.",
)
@click.option(
    "--policy", metavar="FILE", type=click.Path(path_type=Path), help="Judge by this file. [default: .seatrial/policy.yaml of the base]"
)
@click.option(
    "--gates",
    type=click.Choice(("inform", "enforce")),
    default="inform",
    help="What the pre-flight gates do. inform (default): say what they would do, charge nothing. enforce: refuse or reject the change "
    "before anything runs, hold it with all evidence, and count it.",
)
@click.option(
    "--author",
    metavar="NAME",
    default="",
    callback=_name,
    help="Who made the change, by your word: what the gates count by. [default: nobody's word]",
)
@report_form
@click.option(
    "--report",
    "reports",
    metavar="FORMAT=PATH",
    multiple=True,
    help="Also write the report to a file, e.g. sarif=out.sarif; repeatable, with every format that --format knows.",
)
@click.option(
    "--fail-on",
    type=click.Choice(("reject", "hold")),
    default="hold",
    help="Which verdicts fail the command. hold (default): rejected exits with 1, held with 3. reject: held exits with 0. "
    "What could not be judged fails it always.",
)
@common
def check(form: str, reports: tuple[str, ...], fail_on: str, **asked: Any) -> int:
    """Judge CHANGE in a disposable sandbox; nothing is promoted and the repository is only read.

    \b
    CHANGE is one of these; in brackets: its name for --as, and the base unless --base names one.
      (nothing)   this branch and all uncommitted work but ignored files (work; where the branch
                  left its upstream, else origin's HEAD, else main or master, else HEAD)
      FILE or -   a diff (diff; HEAD), or JSON edits: [{"path": "a.py", "content": "..."},
                  {"path": "b.py", "delete": true}] (edits; HEAD)
      REV         a revision or branch (revision; where it left what is checked out)
      A..B A...B  from A, or from where B left A, to B (range)
      DIRECTORY   files laid over the base, nothing deleted (overlay; HEAD)

    \b
    Examples:
      seatrial check
      seatrial check fix.diff
      git diff | seatrial check - --format json
      seatrial check my-branch --base main --policy strict.yaml
      seatrial check HEAD~2..HEAD --report json=report.json --report markdown=summary.md
      seatrial check fix.diff --gates enforce --author "$GITHUB_ACTOR"
      seatrial check my-branch --format github --report sarif=seatrial.sarif --fail-on reject

    Exit codes: 0 accepted, 1 rejected, 3 held for a person (0 with --fail-on reject); 2 and 4 when nothing could be judged: wrong usage
    or policy, the machine; 75 refused for now by a gate, retry-after printed; 70 a bug, 129, 130 or 143 interrupted.
    """
    files = [_report_file(text) for text in reports]
    stdin = _read(sys.stdin.buffer) if asked["change"] == "-" and sys.stdin is not None else None
    answer = _report(_run({**asked, "stdin": stdin}), forgiving=fail_on == "reject")
    problems = [
        problem for style, path in files if (problem := _saved(path, written(answer, style, full=True, numbers=settings().verbose)))
    ]
    emit(written(answer, form, color=form == "text" and stdout_colors(), numbers=settings().verbose))
    for problem in problems:
        report(of_error(problem))
    return Exit.INFRASTRUCTURE if problems or answer.exit_code is None else answer.exit_code


def _run(given: dict[str, Any]) -> "Run":
    from runner import wiring
    from runner.reports.progress import shown

    request = wiring.Request(**{**given, "gates": wiring.Gates(given["gates"])})

    asked = settings()
    with shown(sys.stderr, quiet=asked.quiet, verbose=asked.verbose, color=asked.colors(sys.stderr)) as progress:
        return wiring.check(request, progress)


def _report(run: "Run", *, forgiving: bool) -> "Report":
    from runner.reports.report import build

    answer = build(run, here=_here())
    return build(run, exit_code=int(Exit.ACCEPTED), here=_here()) if forgiving and answer.exit_code == Exit.HELD else answer


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # removed meanwhile
        return Path("/")


def _report_file(text: str) -> tuple[str, Path]:
    style, equals, path = text.partition("=")
    if not equals or not path:
        raise UsageError(
            f"'{text}' is no FORMAT=PATH for --report", hint=f"FORMAT is one of: {', '.join(FORMATS)}; e.g. --report json=report.json"
        )
    known(style)
    check_writable(Path(path))
    return style, Path(path)


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
