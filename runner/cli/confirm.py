"""`seatrial confirm`: what was promoted is well, by the word of a person or of the application itself."""

import click

from runner.cli.landing import asked_of_desk, by_person
from runner.cli.settings import common, report_form, server


@click.command()
@click.argument("run", metavar="RUN")
@by_person
@report_form
@server
@common
def confirm(run: str, who: str, reason: str, form: str) -> int:
    """Confirm the promotion of RUN: it is not taken back any more. RUN is an id, the beginning of one, or `latest`.

    \b
    Examples:
      seatrial confirm latest --reason "the dashboard is green"
      seatrial confirm 3fa9 --by app --reason "self-test passed"

    Exit codes: those of `seatrial submit`; 2 when there is nothing to confirm.
    """
    return asked_of_desk(lambda by, progress: by.decide(run, "confirm", who, reason, progress), form)
