"""`seatrial watch`: the process that ends what others leave."""

import sys

import click

from runner.cli.settings import common, settings


@click.command()
@click.option("--once", is_flag=True, help="End when nothing is left to do, e.g. after a boot.")
@common
def watch(once: bool) -> int:  # noqa: FBT001 - click's way
    """Look after submitted runs until it is stopped.

    It carries what was submitted with --detach, takes over what killed processes left, ends holds that expired, and takes back what nobody
    confirmed by its deadline.

    \b
    Examples:
      seatrial watch
      systemd-run --user --unit=seatrial-watch --property=Restart=always seatrial watch
      seatrial watch --once

    Stopped by a signal it leaves its runs as they are; the next one goes on with them, and with their deadlines.
    """
    from runner.reports.progress import Plain
    from runner.wiring.watcher import watch as look_after

    look_after(Plain(sys.stderr, verbose=settings().verbose), once=once)
    return 0
