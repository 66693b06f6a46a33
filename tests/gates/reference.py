"""Breaker and rate written a second time, naively: no state is kept, every question is answered from the list of all that happened."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from runner.gates.breaker.options import Breaker
from runner.gates.rate.options import Limit


class Event(NamedTuple):
    at: float
    what: str
    run: str = ""
    options: Breaker | None = None
    said: str = ""
    until: float | None = None


class NaiveBreaker:
    """One breaker's key. `wait` says for how long a run is refused; `None` for not at all."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def wait(self, run: str, now: float, options: Breaker) -> float | None:
        past = self.past(now, options)
        if past.by_hand is not None:
            how, until = past.by_hand
            if how == "disabled":
                return None
            return options.advanced.max_wait if until is None else until - now
        if past.mode == "closed":
            return None
        if past.mode == "open":
            return past.ends - now if past.ends > now else None
        taken = [until for owner, until in past.permits.items() if owner != run and until > now]
        if len(taken) < options.advanced.permits:
            return None
        later = 0.0
        while sum(until > now + later for until in taken) >= options.advanced.permits:
            later = min(until - now for until in taken if until > now + later)
        return later

    def past(self, now: float, options: Breaker) -> "Past":
        """All that happened, and these options from now on."""
        past = Past()
        for event in self.events:
            past.happens(event)
        past.time_goes_on(now)
        past.adopts(now, options)
        return past

    def is_wide_open(self, now: float, options: Breaker) -> bool:
        """Whether it refuses everybody, not only for want of a permit."""
        past = self.past(now, options)
        return past.by_hand is not None or past.mode == "open"


class Past:
    """What a list of events came to, told forward."""

    def __init__(self) -> None:
        self.options: Any = None
        self.mode = "closed"
        self.era = 0
        self.ends = 0.0
        self.half_since = 0.0
        self.failed_probes = 0
        self.good_probes = 0
        self.permits: dict[str, float] = {}
        self.eras: dict[str, int] = {}
        self.done: set[str] = set()
        self.paused: set[str] = set()
        self.counted: list[tuple[float, str]] = []
        self.row = 0
        self.by_hand: tuple[str, float | None] | None = None

    def time_goes_on(self, now: float) -> None:
        if self.by_hand and self.by_hand[1] is not None and now >= self.by_hand[1]:
            self.by_hand = None
            self.new_era()
        if self.mode == "half-open" and now >= self.half_since + self.options.advanced.max_duration:
            self.opens(self.half_since + self.options.advanced.max_duration)

    def new_era(self) -> None:
        self.era += 1
        self.permits = {}

    def opens(self, at: float) -> None:
        wait = self.options.wait
        for _ in range(self.failed_probes):
            wait = wait * self.options.advanced.growth
        self.mode, self.ends, self.good_probes, self.row = "open", at + min(wait, self.options.advanced.max_wait), 0, 0
        self.new_era()

    def closes(self) -> None:
        self.mode, self.failed_probes, self.good_probes, self.row, self.counted = "closed", 0, 0, 0, []
        self.new_era()

    def happens(self, event: Event) -> None:
        self.time_goes_on(event.at)
        if event.options is not None:
            self.adopts(event.at, event.options)
        getattr(self, event.what)(event)

    def adopts(self, now: float, options: Breaker) -> None:
        if options != self.options:
            self.options = options
            self.counted = self.in_window(now)
            self.time_goes_on(now)

    def in_window(self, now: float) -> list[tuple[float, str]]:
        size = self.options.advanced.window
        if isinstance(size, int):
            return self.counted[max(0, len(self.counted) - size) :]
        return [(at, said) for at, said in self.counted if not at <= now - size]

    def entered(self, event: Event) -> None:
        if self.by_hand is None and self.mode == "open":
            self.mode, self.half_since, self.good_probes = "half-open", event.at, 0
            self.new_era()
        had = self.permits.get(event.run, 0.0) > event.at and self.eras.get(event.run) == self.era
        self.eras[event.run] = self.era
        if self.mode == "half-open" and self.by_hand is None and not had:
            self.permits[event.run] = event.at + self.options.advanced.lease

    def held(self, event: Event) -> None:
        if event.run not in self.paused:
            self.paused.add(event.run)
            self.permits.pop(event.run, None)

    def left(self, event: Event) -> None:
        if event.run in self.done:
            return
        self.done.add(event.run)
        self.permits.pop(event.run, None)
        if self.eras[event.run] != self.era or self.by_hand is not None or event.said == "inconclusive" or self.mode == "open":
            return
        if self.mode == "half-open":
            if event.said == "failure":
                self.failed_probes += 1
                self.opens(event.at)
            else:
                self.good_probes += 1
                if self.good_probes >= self.options.advanced.permits:
                    self.closes()
            return
        self.counted.append((event.at, event.said))
        self.counted = self.in_window(event.at)
        self.row = self.row + 1 if event.said == "failure" else 0
        bad = [said for _, said in self.counted].count("failure")
        often = len(self.counted) >= self.options.advanced.minimum_calls and bad >= self.options.failure_rate * len(self.counted) - 1e-6
        if (self.options.consecutive and self.row >= self.options.consecutive) or (self.options.failure_rate and often):
            self.opens(event.at)

    def forced(self, event: Event) -> None:
        self.by_hand = (event.said, event.until)
        self.new_era()

    def reset(self, _event: Event) -> None:
        self.by_hand = None
        self.closes()


class Admitted(NamedTuple):
    at: float
    run: str
    target: str
    author: str
    folders: frozenset[str]
    by: frozenset[str] = frozenset()
    """What it was counted by, of a limit that the policy had then; a limit that comes later begins at nothing."""


class NaiveRate:
    """Every admission there was; a limit is asked by counting them all."""

    def __init__(self) -> None:
        self.admitted: list[Admitted] = []

    def enters(self, asks: Admitted, limits: tuple[Limit, ...]) -> None:
        for by in {frozenset(limit.key) for limit in limits}:
            if not any(known.run == asks.run for known in self.counted(by)):
                self.admitted.append(asks._replace(by=by))

    def counted(self, by: frozenset[str]) -> list[Admitted]:
        return [known for known in self.admitted if known.by == by]

    def wait(self, asks: Admitted, claim: str, limits: tuple[Limit, ...]) -> float | None:
        """Seconds until every limit has room; `None` when all have."""
        found = [wait for limit in limits for wait in self._waits(asks, claim, limit)]
        return max(found) if found else None

    def _waits(self, asks: Admitted, claim: str, limit: Limit) -> Iterator[float]:
        counted = self.counted(frozenset(limit.key))
        if any(known.run == asks.run for known in counted):
            return
        for author in {asks.author, claim or asks.author}:
            for folder in asks.folders if "path" in limit.key else ("",):
                times = [
                    known.at
                    for known in counted
                    if ("target" not in limit.key or known.target == asks.target)
                    and ("author" not in limit.key or known.author == author)
                    and ("path" not in limit.key or folder in known.folders)
                ]
                moments = sorted({asks.at, *(at + limit.per for at in times if at + limit.per > asks.at)})
                room = next(moment for moment in moments if sum(at > moment - limit.per for at in times) < limit.limit)
                if room > asks.at:
                    yield room - asks.at
