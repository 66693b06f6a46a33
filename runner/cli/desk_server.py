"""Has what is asked done by a server."""

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from runner.cli.offer import offered
from runner.client.address import parse
from runner.client.answers import Shown, Summary
from runner.client.client import Client
from runner.client.connection import Connection
from runner.client.following import Following
from runner.client.reported import report_of, report_text
from runner.client.secret import token
from runner.client.wanted import Wanted
from runner.errors import SeatrialError, Terminated, UsageError
from runner.model.said import Said
from runner.model.text import printable

if TYPE_CHECKING:
    from runner.ports import Progress
    from runner.reports.report import Report
    from runner.store.runs import Record

_FAREWELL: Final = 600.0
"""Seconds for which a command that was asked to end waits for the server to take back what it promoted."""
_CALLED_OFF: Final = "the command that submitted it was asked to end"
_FROM_THE_START: Final = 0


class Server:
    """The desk of a server; `flag`, when it is made, says that it was named by --server, which the next command then needs, too."""

    look = 2.0

    def __init__(self, named: str, *, flag: bool) -> None:
        address = parse(named)
        self._client = Client(Connection(address, token()))
        self.flag = f" --server {shlex.quote(named)}" if flag else ""
        self._open = address.open

    def check(self, asked: Mapping[str, Any], progress: "Progress") -> "Report":
        """Have a change judged. Interrupted, it leaves the run to the server."""
        if not asked["repo_name"]:
            raise UsageError("a server needs the name of the repository", hint="--repo-name NAME, as its configuration calls it.")
        wanted = self._wanted(asked, progress, repo=asked["repo_name"], gates=str(asked["gates"]))
        self._can_read()
        run = self._sent(wanted, progress)
        try:
            return self._followed(run, progress, base=wanted.base)
        except (KeyboardInterrupt, Terminated):
            progress.note(f"run {run} goes on: seatrial run wait {run}{self.flag}")
            raise

    def submit(self, asked: Mapping[str, Any], progress: "Progress") -> "Report":
        """Have a change carried to a target, and wait. Interrupted, it has the run cancelled."""
        wanted = self._wanted(asked, progress, target=asked["target"], agent=asked["agent"], ticket=asked["ticket"])
        self._can_read()
        return self._mine(self._sent(wanted, progress), progress, base=wanted.base)

    def leave(self, asked: Mapping[str, Any], progress: "Progress") -> str:
        """Have a change carried to a target, and leave."""
        return self._sent(self._wanted(asked, progress, target=asked["target"], agent=asked["agent"], ticket=asked["ticket"]), progress)

    def records(self, limit: int) -> tuple["Record", ...]:
        """The newest runs of the server."""
        return tuple(_record(summary) for summary in self._client.list(limit))

    def record(self, run: str) -> "Record":
        """A run of the server."""
        shown = self._client.show(run)
        report = report_text(shown, self.flag) if shown.report is not None else None
        return _record(shown.summary, report, tuple(Said(**said.model_dump()) for said in shown.decisions))

    def landing(self, record: "Record") -> Iterator[str]:
        """Where it is, as far as the server tells."""
        yield f"target      {printable(record.target)}"
        yield f"stage       {printable(record.stage) or 'none yet'}"
        if record.state in ("queued", "running") and not record.waits:
            yield f"next        seatrial run wait {record.id}{self.flag}"

    def logs(self, run: str) -> dict[str, str]:
        """The logs of a run of the server."""
        return self._client.logs(run)

    def wait(self, run: str, seconds: float | None, progress: "Progress") -> "Report":
        """Wait, and say what happens from now on."""
        known = self._client.show(run).summary.run
        return self._reported(Following(self._client, progress, flag=self.flag).wait(known, seconds))

    def decide(self, run: str, verb: str, who: str, reason: str, progress: "Progress") -> "Report":
        """By the word of who has the token."""
        if who:
            raise UsageError("--by is for this machine: a server goes by whom the token was made for", hint="Leave it out.")
        taken = self._client.decide(run, verb, reason).run
        shown = Following(self._client, progress, flag=self.flag).wait(taken)
        if verb == "rollback" and shown.summary.ending == "confirmed":  # it was confirmed just before it could hear that
            shown = Following(self._client, progress, flag=self.flag).wait(self._client.decide(taken, verb, reason).run)
        return self._reported(shown)

    def resume(self, run: str, progress: "Progress") -> "Report":  # noqa: ARG002 - the same for every desk
        """A server goes on with its runs by itself."""
        raise UsageError("a server goes on with its runs by itself", hint=f"seatrial run wait {run}{self.flag}")

    def retry(self, run: str, progress: "Progress") -> "Report":
        """Have it submitted again, and wait. Interrupted, it has the run cancelled."""
        again = self._client.retry(run).run
        progress.note(f"run {again}")
        return self._mine(again, progress)

    def _wanted(self, asked: Mapping[str, Any], progress: "Progress", **more: str) -> Wanted:
        """The change as it is sent. Raises UsageError for options that a server takes from nobody."""
        for option, why in (("policy", "its configuration names the policy"), ("author", "the author is whom the token was made for")):
            if asked[option]:
                raise UsageError(f"--{option} is not for a server: {why}", hint="Leave it out.")
        if self._open:
            progress.note(f"the token goes to {self._client.name} unencrypted; https would hide it")
        offer = offered(asked, progress.note)
        return Wanted(content=offer.content, kind=offer.kind, name=offer.name, base=offer.base, **more)

    def _can_read(self) -> None:
        """Raises UsageError before anything is sent: else the run would go on, and nobody here could say what it came to."""
        self._client.list(1)

    def _sent(self, wanted: Wanted, progress: "Progress") -> str:
        try:
            run = self._client.submit(wanted).run
        except (KeyboardInterrupt, Terminated):
            progress.note(f"the server may have taken it: seatrial run list{self.flag}")
            raise
        progress.note(f"run {run}")
        return run

    def _mine(self, run: str, progress: "Progress", *, base: str = "") -> "Report":
        """Follow a run that this command asked for: to end this is to end it."""
        try:
            return self._followed(run, progress, base=base)
        except (KeyboardInterrupt, Terminated):
            self._call_off(run, progress)
            raise

    def _call_off(self, run: str, progress: "Progress") -> None:
        try:
            self._client.decide(run, "cancel", _CALLED_OFF)
            ended = Following(self._client, progress, flag=self.flag).wait(run, _FAREWELL).summary
            progress.note(f"run {run}: {(ended.ending or ended.state).replace('_', ' ')}: {ended.reason}")
        except (SeatrialError, TimeoutError) as problem:
            progress.note(f"run {run} may go on ({problem}): seatrial run show {run}{self.flag}")

    def _followed(self, run: str, progress: "Progress", *, base: str = "") -> "Report":
        return self._reported(Following(self._client, progress, after=_FROM_THE_START, flag=self.flag).wait(run), base)

    def _reported(self, shown: Shown, base: str = "") -> "Report":
        return report_of(shown, self.flag, base=base)


def _record(summary: Summary, report: str | None = None, decisions: tuple[Said, ...] = ()) -> "Record":
    """A run as the record of this machine would have it; what a server does not tell stays empty."""
    from runner.store.runs import Record

    told = summary.model_dump(exclude={"run", "change", "joined"})
    return Record(id=summary.run, change_id=summary.change, report=report, decisions=decisions, **told)
