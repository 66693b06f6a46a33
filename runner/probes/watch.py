"""Watches a promotion: asks every probe at its interval, each on a thread of its own, until the readings decide or the deadline comes."""

import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final

from runner.crashpoints import crashpoint
from runner.errors import InfrastructureError
from runner.probes.decision import Ruling, State, fold, judge, paired, undecided
from runner.probes.options import Monitor, made
from runner.probes.probe import Context, Probe
from runner.probes.reading import Reading, Sign

_TICK: Final = 0.1
"""Seconds after which it is looked whether somebody asked for something, or time alone decided."""
_DEADLINE_TICK: Final = 1.0
"""Seconds for which the durable deadline is believed before it is asked for again."""
_LEAVING: Final = 0.3
"""Seconds that probes in flight have to let go of what they started."""

Told = Callable[[Reading, Sequence[State]], None]
"""Is told of each reading, on the watch's own thread, with what all probes come to; what it raises ends the watch."""


class Watch:
    """One watch over one promotion; runs once."""

    def __init__(
        self,
        options: Monitor,
        context: Context,
        *,
        asked: Event,
        remaining: Callable[[], float],
        told: Told = lambda _reading, _states: None,
        states: Sequence[State] = (),
        before: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        """`asked` ends the watch at once, without a decision. `remaining` tells the seconds until the durable deadline, by its own clock.

        `states` are those of a watch that is carried on, whose readings count on if `context.started` is when that one began; without them it
        starts anew. `before` are the times of answers before the promotion, by the names of the probes.
        """
        self.options = options
        self.context = context
        self._asked = asked
        self._remaining = remaining
        self._told = told
        self._probes = {probe.name: probe for probe in made(options)}
        times = before or {}
        self._states = {
            state.probe: state if state.last else state.model_copy(update={"before": tuple(times.get(state.probe, ()))})
            for _, state in paired(states, options)
        }
        self._readings: SimpleQueue[Reading] = SimpleQueue()
        self._over = Event()
        self._believed: tuple[float, float] | None = None

    @property
    def states(self) -> tuple[State, ...]:
        """What the readings come to so far, in the policy's order."""
        return tuple(self._states.values())

    def run(self) -> Ruling:
        """Watch until there is a course, or `asked` is set: then the ruling has none. Raises what `told` and `remaining` raise.

        Paced and decided by a clock that never jumps; the durable deadline can only end it sooner, so a jump of the clock that this goes by
        may leave it undecided, and can neither confirm nor hang. While that clock cannot be asked, its last answer holds.
        """
        threads = [Thread(target=self._ask, args=(probe,), name=f"asks {name}", daemon=True) for name, probe in self._probes.items()]
        try:
            for thread in threads:
                thread.start()
            while (ruling := self._ruling()).course is None and not self._asked.is_set():
                self._take_in()
        finally:
            self._over.set()
            self.context.cancelled.set()
            left = time.monotonic() + _LEAVING
            for thread in threads:
                if thread.ident is not None:
                    thread.join(max(0.0, left - time.monotonic()))
        crashpoint("monitor.judged")
        return ruling

    def _ruling(self) -> Ruling:
        states = self.states
        return undecided(states, self.options) if self._left() <= 0 else judge(states, self.options, self.context.started, self._now())

    def _take_in(self) -> None:
        """Fold the next reading, if one comes soon."""
        try:
            reading = self._readings.get(timeout=_TICK)
        except Empty:
            return
        crashpoint("monitor.reading.taken")
        self._states[reading.probe] = fold(self._states[reading.probe], reading, self._probes[reading.probe], self.options)
        self._told(reading, self.states)
        crashpoint("monitor.reading.kept")

    def _ask(self, probe: Probe) -> None:
        """Take readings until the watch is over; slots that were missed are left out, so that none is taken for two."""
        due = max(self._now(), self.context.started + self.options.advanced.initial_delay)
        while not self._over.wait(max(0.0, due - self._now())):
            reading = probe.take(self.context)
            if self._over.is_set():
                return
            self._readings.put(reading)
            if probe.conclusive and reading.outcome is not Sign.NO_DATA:
                return
            due = max(due + probe.options.interval, self._now())

    def _left(self) -> float:
        """Seconds until the durable deadline, as far as it is known."""
        now = self._now()
        if self._believed is None or now - self._believed[1] >= _DEADLINE_TICK:
            try:
                self._believed = (self._remaining(), now)
            except InfrastructureError:
                self._believed = self._believed or (self.options.deadline - self.context.elapsed, now)
        told, at = self._believed
        return told - (now - at)

    def _now(self) -> float:
        return self.context.monotonic()
