"""Keeps the durable record of a run, beside the run itself."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from runner.errors import SeatrialError, StoreUnavailable
from runner.model.result import Decision, Ending
from runner.model.run import Gates, Run
from runner.model.text import printable
from runner.ports import Moment
from runner.reports.exits import exit_of_problem, was_stopped
from runner.store.database import IMPATIENCE, PATIENCE
from runner.store.places import Places
from runner.store.runs import SqlRuns

_ANYWHERE = Path("/")
"""Where a stored report will be read: its next command must be right in any directory."""


def patience(gates: Gates) -> float:
    """Seconds to wait for the database: where gates only inform, no verdict hangs on it."""
    return PATIENCE if gates is Gates.ENFORCE else IMPATIENCE


@contextmanager
def recorded(run: Run, where: Places, under_way: threading.Event, settle: Callable[[Run, Moment], None]) -> Iterator[Callable[[Run], Run]]:
    """Keep the record of a run in the background; a record that cannot be written is said, and changes no verdict.

    `settle` is told how the run ended in the transaction that records it: neither is kept without the other.

    The first entry waits until a suite is under way: the libraries behind the record take longer to load than git takes to
    apply a change, and a check touches nothing that a record would have to come before.
    """
    runs = SqlRuns(where.state, patience=patience(run.gates))
    writer = ThreadPoolExecutor(1, thread_name_prefix="record")
    begun = writer.submit(_begun, runs, run, under_way)

    def record(done: Run) -> Run:
        under_way.set()
        problem = _problem(begun) or _problem(writer.submit(_finish, runs, done, settle))
        return done.with_(notes=(*done.notes, f"the run could not be recorded: {problem}")) if problem else done

    try:
        yield record
    except BaseException as problem:
        under_way.set()
        cut = run.with_(decision=_cut_short(problem))
        _problem(writer.submit(_finish, runs, cut, settle, exit_of_problem(problem)))
        raise
    finally:
        writer.shutdown(wait=True)
        runs.close()


def _begun(runs: SqlRuns, run: Run, under_way: threading.Event) -> None:
    under_way.wait()
    import runner.reports.report  # noqa: F401  needed at the end, loaded while there is time

    runs.begin(run)


def _finish(runs: SqlRuns, run: Run, settle: Callable[[Run, Moment], None], exit_code: int | None = None) -> None:
    from runner.reports.report import build, to_json

    report = to_json(build(run, exit_code=exit_code, here=_ANYWHERE))
    runs.finish(run, report, run.logs, settle=lambda moment: settle(run, moment))


def _cut_short(problem: BaseException) -> Decision:
    """How a run ended that something else than its stages ended: by request, or by a fault of the machine or of ours."""
    if was_stopped(problem):
        return Decision(verdict=None, ending=Ending.CANCELLED, reason="the run was stopped before it ended")
    said = str(problem) if isinstance(problem, SeatrialError) else f"{type(problem).__name__}: {problem}"
    return Decision(verdict=None, ending=Ending.FAILED, reason=printable(said))


def _problem(done: Future[None]) -> str:
    try:
        done.result()
    except StoreUnavailable as problem:
        return str(problem)
    return ""
