"""`seatrial submit`: carry a change to its target, watch it there, and take it back when it does harm."""

from typing import Any

import click

from runner.cli.asking import change_options, handed_out, name, report_file, report_files, stdin_of
from runner.cli.desk import desk
from runner.cli.landing import telling
from runner.cli.output import emit
from runner.cli.settings import common, report_form, server


@click.command()
@click.argument("change")
@click.option("--target", metavar="TARGET", required=True, help="Where it goes: git:PATH#REF, git:PATH or dir:PATH, see above.")
@change_options
@click.option("--agent", metavar="NAME", default="", callback=name, help="The program that wrote it, for the record.")
@click.option("--ticket", metavar="ID", default="", callback=name, help="What it is about, for the record.")
@click.option("-d", "--detach", is_flag=True, help="Leave it to a running `seatrial watch`, and print the id of the run.")
@report_form
@report_files
@server
@common
def submit(form: str, reports: tuple[str, ...], detach: bool, **asked: Any) -> int:  # noqa: FBT001 - click's way
    """Judge CHANGE, and carry it to TARGET when it is accepted.

    It is judged as by `seatrial check --gates enforce`, promoted in one step, watched, and confirmed or taken back.

    \b
    TARGET is one of these:
      git:PATH#REF   a ref of a repository, moved by compare-and-swap (#main means refs/heads/main)
      git:PATH       a new branch there, seatrial/<run>
      dir:PATH       a live folder, exchanged in one step; a link to a folder is pointed elsewhere
      NAME           with --server: what the server calls one of these

    \b
    Nothing is promoted without a verified backup. What is promoted is confirmed by the probes of the policy or by `seatrial confirm`,
    and taken back at its deadline otherwise, also when this process is killed (`seatrial watch`). Ctrl-C takes it back.

    \b
    Examples:
      seatrial submit fix.diff --target git:.#main
      seatrial submit fix.diff --target dir:/srv/app --policy /etc/seatrial/app.yaml
      seatrial submit my-branch --target git:/srv/app.git --author "$USER" --ticket OPS-7
      seatrial submit edits.json --target dir:/srv/app --detach
      seatrial submit fix.diff --target app-main --server https://seatrial.example

    Exit codes: 0 confirmed, 1 rejected, 3 held for a person, 5 rolled back, 6 stuck (a person must act); 2 and 4 when nothing could be
    judged: wrong usage or policy, the machine; 75 refused for now by a gate, retry-after printed; 70 a bug, 129, 130 or 143 interrupted.
    """
    files = [report_file(text) for text in reports]
    by = desk()
    given = {**asked, "stdin": stdin_of(asked["change"])}
    if detach:
        with telling() as progress:
            run = by.leave(given, progress)
        emit(f"{run}\n")
        return 0
    with telling() as progress:
        answer = by.submit(given, progress)
    return handed_out(answer, form, files)
