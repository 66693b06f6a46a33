"""The ends of the suites' logs in a database that other machines use, too: shorter than the files, for whoever does not have those."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from runner.store.logs import NAME, end

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST: Final = 64 * 2**10
"""Bytes kept of one log."""
MOST_OF_RUN: Final = 512 * 2**10
"""Bytes kept of all logs of one run; where there are many, each gets the same share."""
_CUT: Final = "[… the beginning is on the machine that it ran on …]"


def keep(connection: "Connection", run: str, logs: Mapping[str, str]) -> None:
    """Keep the end of each log instead of what was kept of it, and leave the run's other logs as they are."""
    from sqlalchemy import delete, func, insert, select

    from runner.store.schema import log_tails

    named = {suite: text for suite, text in logs.items() if NAME.fullmatch(suite)}
    if not named:
        return
    of_run = log_tails.c.run == run
    connection.execute(delete(log_tails).where(of_run, log_tails.c.suite.in_(named)))
    taken = connection.execute(select(func.coalesce(func.sum(func.length(log_tails.c.content)), 0)).where(of_run)).scalar_one()
    share = min(MOST, (MOST_OF_RUN - int(taken)) // len(named))
    if share <= 0:
        return
    rows = [{"run": run, "suite": suite, "content": end(text, share, _CUT)} for suite, text in named.items()]
    connection.execute(insert(log_tails), rows)


def load(connection: "Connection", run: str) -> dict[str, str]:
    """The ends of a run's logs, by suite. The text is hostile."""
    from sqlalchemy import select

    from runner.store.schema import log_tails

    query = select(log_tails.c.suite, log_tails.c.content).where(log_tails.c.run == run).order_by(log_tails.c.suite)
    return {suite: bytes(content).decode("utf-8", "replace") for suite, content in connection.execute(query)}
