"""The verbs of `seatrial run` about submitted runs: wait, approve, deny, cancel, resume, retry."""

from typing import Final

import click

from runner.cli.landing import asked_of_desk, by_person
from runner.cli.settings import common, report_form, server
from runner.errors import InfrastructureError, UsageError


def _seconds(_context: click.Context, _parameter: click.Parameter, given: str | None) -> float | None:
    from runner.model.units import duration

    try:
        value = duration(given) if given is not None else None
    except ValueError as problem:
        raise UsageError(f"--timeout: {problem}") from problem
    return float(value) if isinstance(value, (int, float)) else None


@click.command()
@click.argument("run_", metavar="RUN")
@click.option("--timeout", "seconds", metavar="TIME", callback=_seconds, help="Wait no longer than this, e.g. 10m; then exit 4.")
@report_form
@server
@common
def wait(run_: str, seconds: float | None, form: str) -> int:
    """Wait until RUN is held or has ended, then show its report. The exit code is the run's, as with `seatrial submit`.

    \b
    Examples:
      seatrial run wait latest
      seatrial run wait 3fa9 --timeout 30m --format json
    """
    try:
        return asked_of_desk(lambda by, progress: by.wait(run_, seconds, progress), form)
    except TimeoutError as problem:
        raise InfrastructureError(f"run {run_} goes on still", hint=f"seatrial run wait {run_}") from problem


@click.command()
@click.argument("run_", metavar="RUN")
@by_person
@report_form
@server
@common
def approve(run_: str, who: str, reason: str, form: str) -> int:
    """Let a held run go on: what held it has been looked at. Not by the author of the change.

    The word is bound to this patch, this policy and the checks that hold it now; whatever else turns up holds the run again.

    \b
    Examples:
      seatrial run approve latest --reason "reviewed with the owner of conftest.py"
      seatrial run approve 3fa9 --by alice --reason "OPS-7"
    """
    return asked_of_desk(lambda by, progress: by.decide(run_, "approve", who, reason, progress), form)


@click.command()
@click.argument("run_", metavar="RUN")
@by_person
@report_form
@server
@common
def deny(run_: str, who: str, reason: str, form: str) -> int:
    """Reject a held run.

    \b
    Examples:
      seatrial run deny latest --reason "not without a test"
    """
    return asked_of_desk(lambda by, progress: by.decide(run_, "deny", who, reason, progress), form)


@click.command()
@click.argument("run_", metavar="RUN")
@by_person
@report_form
@server
@common
def cancel(run_: str, who: str, reason: str, form: str) -> int:
    """Stop RUN: nothing is promoted any more, and what is promoted and not confirmed is taken back.

    \b
    Examples:
      seatrial run cancel latest --reason "wrong branch"
    """
    return asked_of_desk(lambda by, progress: by.decide(run_, "cancel", who, reason, progress), form)


@click.command()
@click.argument("run_", metavar="RUN")
@report_form
@server
@common
def resume(run_: str, form: str) -> int:
    """Go on with RUN, whose process was killed or stopped by a fault, at the stage that it had come to.

    \b
    Examples:
      seatrial run resume latest
    """
    return asked_of_desk(lambda by, progress: by.resume(run_, progress), form)


@click.command()
@click.argument("run_", metavar="RUN")
@report_form
@server
@common
def retry(run_: str, form: str) -> int:
    """Submit the change of RUN, which has ended, once more: a new run, by the same policy, upon what the target holds now.

    \b
    Examples:
      seatrial run retry latest
    """
    return asked_of_desk(lambda by, progress: by.retry(run_, progress), form)


VERBS: Final = (wait, approve, deny, cancel, resume, retry)
