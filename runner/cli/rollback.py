"""`seatrial rollback`: take a promotion back by hand."""

import click

from runner.cli.landing import asked_of_desk, by_person
from runner.cli.settings import common, report_form, server


@click.command()
@click.argument("run", metavar="RUN")
@by_person
@report_form
@server
@common
def rollback(run: str, who: str, reason: str, form: str) -> int:
    """Make the target what it was before the promotion of RUN, whether that was confirmed or not; also to try again when it got stuck.

    \b
    Work that came after it is never removed: a ref that went on gets a commit that undoes the change, a live folder that was edited or
    promoted to since is left as it is. RUN is an id, the beginning of one, or `latest`.

    \b
    Examples:
      seatrial rollback latest --reason "customers complain"
      seatrial rollback 3fa9 --by alice --reason "OPS-9"

    Exit codes: 5 rolled back, 6 stuck (a person must act), 2 when there is nothing to take back.
    """
    return asked_of_desk(lambda by, progress: by.decide(run, "rollback", who, reason, progress), form)
