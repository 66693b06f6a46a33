"""Waits for a run of a server, and says on the way what becomes of it: by its events, and by asking now and then."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

from runner.client.answers import Shown, Summary
from runner.client.client import Client
from runner.client.events import Event
from runner.client.problems import Refused, ServerUnavailable
from runner.errors import InfrastructureError
from runner.model.said import typed
from runner.model.text import cut, printable
from runner.ports import Progress

BEAT: Final = 15.0
"""Seconds after which a server gives a sign of life."""
_SLICE: Final = 60.0
"""Seconds after which the run is looked at, whatever its events say or leave out."""
_LOOK: Final = 2.0
"""Seconds between two looks where there are no events to be had."""
_LOST: Final = 3
"""Times that a stream may end without having said anything, before it is given up."""
PATIENCE: Final = 300.0
"""Seconds for which a server may be gone while its run is waited for."""
_LONGEST: Final = 300
"""Characters of why a person is waited for."""
_OVER: Final = ("run.held", "run.ended")
_BEGUN: Final = "run.began"
_STAGE: Final = "run.stage"
_DOING: Final = "run.doing"
_WATCHED: Final = "monitor"
"""The stage in which a person may be waited for."""


class Following:
    """Follows runs of one server; `after` is the number of the event after which to begin, `None` for now, `flag` what names the server in commands."""

    def __init__(
        self,
        client: Client,
        progress: Progress,
        *,
        after: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        flag: str = "",
    ) -> None:
        self._client, self._progress, self._sleep, self._clock = client, progress, sleep, clock
        self._after, self._flag = after, flag
        self._silent = 0
        self._said = self._waits = self._asked = ""
        self._told_of_beginnings = False

    def wait(self, run: str, seconds: float | None = None) -> Shown:
        """Wait until a run, or the one that does the same, is held or has ended.

        Raises TimeoutError, and ServerUnavailable where the server is gone for too long.
        """
        until = math.inf if seconds is None else self._clock() + seconds
        joined: set[str] = set()
        while True:
            shown = self._looked(run, until)
            other = shown.summary.joined
            if other is not None and other not in joined:
                self._progress.note(f"the same is under way as run {other}")
                joined.add(run := other)
                continue
            if shown.summary.over:
                return shown
            if self._clock() >= until:
                raise TimeoutError
            self._ask(shown.summary)
            self._pass_time(shown.summary, until)

    def _looked(self, run: str, until: float) -> Shown:
        """The run as it is now; a server that is gone may come back."""
        gone = self._clock() + PATIENCE
        noted = False
        while True:
            try:
                return self._client.show(run)
            except ServerUnavailable as problem:
                now = self._clock()
                if now >= gone or now >= until:
                    hint = f"seatrial run wait {run}"
                    raise ServerUnavailable(f"{problem} (run {run} may go on there)", hint=hint) from problem
                if not noted:
                    self._progress.note(f"{problem}; trying again")
                    noted = True
            self._sleep(_LOOK)

    def _pass_time(self, summary: Summary, until: float) -> None:
        """Listen, or where that is of no use or too coarse let a moment pass."""
        if summary.state == "queued" and self._waits != summary.run:
            self._waits = summary.run
            self._progress.stage("queued")
        end = min(self._clock() + _SLICE, until - 2 * BEAT)
        if self._silent < _LOST and self._clock() < end:
            self._listen(summary.run, end)
            return
        self._say(summary.stage)
        self._sleep(max(0.0, min(_LOOK, until - self._clock())))

    def _listen(self, run: str, end: float) -> None:
        """Hear what happens, until it is over or `end`; a stream that is lost is asked for once more, after what was heard."""
        heard = self._after
        try:
            with self._client.events(run, self._after, seconds=3 * BEAT) as stream:
                if self._heard(stream, end, run):
                    return
        except Refused as refused:
            self._gone(refused)
            return
        except InfrastructureError:
            pass  # gone meanwhile, or no stream at all
        self._silent = 0 if self._after != heard else self._silent + 1
        self._sleep(_LOOK)

    def _heard(self, stream: Iterator[Event | None], end: float, run: str) -> bool:
        """Whether it is time to look at the run; not where the stream ended by itself.

        A stream that begins with what happens from now on is not told what happened between the last look and now.
        """
        missed = self._after is None
        for event in stream:
            if event is not None:
                self._after = max(event.seq, self._after or 0)
                self._tell(event)
                if event.kind == _DOING and event.body.get("stage") == _WATCHED:
                    self._ask(self._client.show(run).summary)
            if missed and self._client.show(run).summary.over:
                self._silent = 0
                return True
            missed = False
            if self._clock() > end or (event is not None and event.kind in _OVER):
                self._silent = 0
                return True
        return False

    def _gone(self, refused: Refused) -> None:
        """The oldest events are not kept for ever: go on with those that there are. Where a token may not listen there are none."""
        oldest = refused.more.get("oldest")
        if refused.kind == "events-gone" and isinstance(oldest, int):
            self._after, self._silent = oldest - 1, self._silent + 1
        else:
            self._silent = _LOST

    def _tell(self, event: Event) -> None:
        stage = str(event.body.get("stage", ""))
        if event.kind == _DOING and stage:
            self._told_of_beginnings = True
            self._progress.stage(stage)
        elif event.kind == _STAGE:
            self._say(stage)
        elif event.kind == _BEGUN and not self._told_of_beginnings:  # of a check it is on record late
            self._progress.stage("begun")

    def _ask(self, summary: Summary) -> None:
        """Say once that a person is waited for, and what to type."""
        if summary.waits and not summary.over and summary.waits != self._asked:
            self._asked = summary.waits
            commands = " or ".join(typed(summary.run, summary.verbs, self._flag))
            self._progress.note(f"waits for a person: {cut(printable(summary.waits), _LONGEST)}{': ' if commands else ''}{commands}")

    def _say(self, stage: str) -> None:
        """A stage of which nobody told that it began is told once it is over: that is what is on record."""
        if stage not in ("", self._said) and not self._told_of_beginnings:
            self._said = stage
            self._progress.stage(f"{stage} done")
