"""Does what is asked in this process, over the record of this machine."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.cli.asking import here
from runner.cli.landing import person
from runner.errors import SeatrialError, UsageError
from runner.model.text import printable

if TYPE_CHECKING:
    from runner.model.run import Run
    from runner.ports import Progress
    from runner.reports.report import Report
    from runner.store.runs import Record, SqlRuns


class Here:
    """The desk of this process."""

    look = 0.5
    flag = ""

    def check(self, asked: Mapping[str, Any], progress: "Progress") -> "Report":
        """Judge a change here."""
        from runner import wiring

        given = {**asked, "gates": wiring.Gates(asked["gates"])}
        if given.pop("repo_name"):
            raise UsageError("--repo-name names a repository of a server", hint="Name the server with --server, or leave it out.")
        return _reported(wiring.check(wiring.Request(**given), progress))

    def submit(self, asked: Mapping[str, Any], progress: "Progress") -> "Report":
        """Carry a change to its target here."""
        from runner.wiring.filing import Wanted
        from runner.wiring.submitting import submit

        return self._told(submit(Wanted(**asked), progress, detach=False))

    def leave(self, asked: Mapping[str, Any], progress: "Progress") -> str:
        """Leave it to a running `seatrial watch`."""
        from runner.wiring.filing import Wanted
        from runner.wiring.submitting import submit

        return submit(Wanted(**asked), progress, detach=True).id

    def records(self, limit: int) -> tuple["Record", ...]:
        """The newest runs of the record."""
        return self._runs.list(limit)

    def record(self, run: str) -> "Record":
        """A run of the record."""
        return self._runs.show(run)

    def landing(self, record: "Record") -> Iterator[str]:
        """Where it is: what its target holds, until when, and whether anybody works on it."""
        from runner.store.executors import SUBMIT, WATCH, Executors
        from runner.store.places import places
        from runner.store.promotions import SqlPromotions

        state = places().state
        promotions, executors = SqlPromotions(state), Executors(state)
        try:
            promotion, now = promotions.find(record.id), promotions.now()
            worked_on = bool(executors.live(SUBMIT) or executors.live(WATCH))
        finally:
            promotions.close()
        yield f"target      {printable(record.target)}"
        yield f"stage       {record.stage or 'none yet'}"
        if promotion is not None:
            yield f"promotion   {promotion.step.value.replace('_', ' ')}: {promotion.before[:12]} -> {promotion.after[:12]}"
            if promotion.deadline is not None and promotion.step.open:
                left = promotion.deadline - now
                yield f"deadline    {f'in {left:.0f}s' if left > 0 else f'passed {-left:.0f}s ago'}: then it is taken back unless it was confirmed"
        if not worked_on:
            yield f"next        nobody works on it: seatrial run resume {record.id}, or seatrial watch"

    def logs(self, run: str) -> dict[str, str]:
        """The logs of a run of the record."""
        return self._runs.logs(run)

    def wait(self, run: str, seconds: float | None, progress: "Progress") -> "Report":  # noqa: ARG002 - whoever carries it says what happens
        """Wait for whoever carries it."""
        from runner.wiring.answering import wait

        return self._told(wait(run, seconds))

    def decide(self, run: str, verb: str, who: str, reason: str, progress: "Progress") -> "Report":
        """By the word of a person at this machine."""
        from runner.wiring.answering import answer, ask

        do = answer if verb in ("approve", "deny") else ask
        return self._told(do(run, verb, person(who), reason, progress))

    def resume(self, run: str, progress: "Progress") -> "Report":
        """Go on with it in this process."""
        from runner.wiring.answering import resume

        return self._told(resume(run, progress))

    def retry(self, run: str, progress: "Progress") -> "Report":
        """Submit it again in this process."""
        from runner.wiring.submitting import retry

        return self._told(retry(run, progress))

    def _told(self, run: "Run") -> "Report":
        """The report of a run, with what people said to it as far as that can be read: what was asked for is done by now."""
        from runner.reports.report import with_decisions

        report = _reported(run)
        with suppress(SeatrialError):
            report = with_decisions(report, self._runs.show(run.id).decisions)
        return report

    @cached_property
    def _runs(self) -> "SqlRuns":
        from runner.store.places import places
        from runner.store.runs import SqlRuns

        return SqlRuns(places().state)


def _reported(run: "Run") -> "Report":
    from runner.reports.report import build

    return build(run, here=here())
