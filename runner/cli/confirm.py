"""`seatrial confirm`: what was promoted is well, by the word of a person or of the application itself."""

import click

from runner.cli.landing import by_person, followed, person
from runner.cli.settings import common, report_form


@click.command()
@click.argument("run", metavar="RUN")
@by_person
@report_form
@common
def confirm(run: str, who: str, reason: str, form: str) -> int:
    """Confirm the promotion of RUN: it is not taken back any more. RUN is an id, the beginning of one, or `latest`.

    \b
    Examples:
      seatrial confirm latest --reason "the dashboard is green"
      seatrial confirm 3fa9 --by app --reason "self-test passed"

    Exit codes: those of `seatrial submit`; 2 when there is nothing to confirm.
    """
    from runner.wiring.answering import ask

    return followed(lambda progress: ask(run, "confirm", person(who), reason, progress), form)
