"""`seatrial check`: judge a change and change nothing."""

from typing import Any

import click

from runner.cli.asking import change_options, handed_out, report_file, report_files, stdin_of
from runner.cli.desk import desk
from runner.cli.landing import telling
from runner.cli.settings import common, report_form, server
from runner.reports.exits import Exit


@click.command()
@click.argument("change", required=False)
@change_options
@click.option(
    "--gates",
    type=click.Choice(("inform", "enforce")),
    default="inform",
    help="What the pre-flight gates do. inform (default): say what they would do, charge nothing. enforce: refuse or reject the change "
    "before anything runs, hold it with all evidence, and count it.",
)
@report_form
@report_files
@click.option(
    "--fail-on",
    type=click.Choice(("reject", "hold")),
    default="hold",
    help="Which verdicts fail the command. hold (default): rejected exits with 1, held with 3. reject: held exits with 0. "
    "What could not be judged fails it always.",
)
@click.option("--repo-name", metavar="NAME", default="", help="What a server calls the repository; with --server.")
@server
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
      seatrial check --server https://seatrial.example --repo-name app

    Exit codes: 0 accepted, 1 rejected, 3 held for a person (0 with --fail-on reject); 2 and 4 when nothing could be judged: wrong usage
    or policy, the machine; 75 refused for now by a gate, retry-after printed; 70 a bug, 129, 130 or 143 interrupted.
    """
    files = [report_file(text) for text in reports]
    by = desk()
    given = {**asked, "stdin": stdin_of(asked["change"])}
    with telling() as progress:
        answer = by.check(given, progress)
    if fail_on == "reject" and answer.exit_code == Exit.HELD:
        answer = answer.model_copy(update={"exit_code": int(Exit.ACCEPTED)})
    return handed_out(answer, form, files)
