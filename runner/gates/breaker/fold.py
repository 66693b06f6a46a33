"""A breaker as a fold over its log: what each entry makes of the state, and what time alone makes of it.

The log of a key holds entries of these kinds, and all that the fold needs of them:

`options`   the policy's section, written whenever it differs from the one folded last
`admitted`  a run was let in: `generation`, and for a probe `lease`, the time at which its permit ends
`again:…`   the same once more, for a run that was let in before and lost what it got
`held`      the run waits for a person: its permit is given back
`ended`     the run ended: `generation` of its admission and `score`
`forced`    a person opened or disabled the breaker: `state`, `reason`, `who`, and `until` (null: until reset)
`reset`     a person closed it: `reason`, `who`
"""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from runner.gates.breaker.options import MOST, Breaker, limits, wait_of
from runner.model.value import Value
from runner.ports import Entry

VERSION: Final = 1
"""Of the kept form of a state; one of another version is not read, and the log is folded from its start."""
_ROUNDING: Final = 1e-9


class Status(StrEnum):
    """Where a breaker is."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Score(StrEnum):
    """What the ending of a run says to a breaker; what is inconclusive is recorded and not counted."""

    SUCCESS = "success"
    FAILURE = "failure"
    INCONCLUSIVE = "inconclusive"


class Counted(NamedTuple):
    """One outcome in the window."""

    at: float
    failed: bool


class Permit(NamedTuple):
    """The leave of one run to probe, until a time."""

    run: str
    until: float


class Forced(Value):
    """What a person decided over the automaton's head."""

    state: Literal["open", "disabled"]
    reason: str
    who: str
    since: float
    until: float | None = None
    """When it ends by itself; `None` for not before a reset."""


class State(Value):
    """What the log of one key folds to. Times are seconds since 1970 by the database's clock."""

    key: str
    options: Breaker | None = None
    status: Status = Status.CLOSED
    generation: int = 0
    """Grows with every change of state: an outcome counts only in the generation in which its run was let in."""
    since: float = 0.0
    until: float = 0.0
    """The end of the wait, where it is open."""
    reopens: int = 0
    """Probes that failed since it was last closed."""
    window: tuple[Counted, ...] = ()
    streak: int = 0
    """Failures in a row."""
    permits: tuple[Permit, ...] = ()
    successes: int = 0
    """Of probes, since it is half-open."""
    forced: Forced | None = None
    why: str = ""
    """What opened it."""

    def but(self, **changes: object) -> "State":
        """This state with some fields replaced."""
        return self.model_copy(update=changes)

    @property
    def called(self) -> str:
        """Where it is, for people, by what a person decided first."""
        if self.forced is None:
            return self.status.value
        return "forced open" if self.forced.state == "open" else "disabled"

    @property
    def failed(self) -> int:
        """Failures in the window."""
        return sum(outcome.failed for outcome in self.window)


def fold(key: str, entries: Iterable[Entry]) -> State:
    """The state after the whole log of a key."""
    state = State(key=key)
    for entry in entries:
        state = step(state, entry)
    return state


def step(state: State, entry: Entry) -> State:
    """The state after one more entry."""
    return _STEPS[entry.kind.partition(":")[0]](at_time(state, entry.at), entry)


def at_time(state: State, now: float) -> State:
    """What time alone made of the state by `now`: what was forced ends, and so does waiting for probes."""
    if state.forced is not None and state.forced.until is not None and state.forced.until <= now:
        state = state.but(forced=None, generation=state.generation + 1, permits=())
    if state.status is Status.HALF_OPEN and state.options is not None:
        end = state.since + state.options.advanced.max_duration
        if end <= now:
            state = _opened(state, state.options, end, reopens=state.reopens, why="its probes took too long")
    return state


def live(state: State, now: float) -> tuple[Permit, ...]:
    """The permits that have not ended."""
    return tuple(permit for permit in state.permits if permit.until > now)


def dump(state: State) -> str:
    """The state as text, numbers exact."""
    return json.dumps([VERSION, state.model_dump()], separators=(",", ":"))


def load(text: str) -> State | None:
    """The state in a text; `None` for one that this version did not write."""
    try:
        version, body = json.loads(text)
        return State.model_validate(body) if version == VERSION else None
    except (ValueError, TypeError):
        return None


def within(window: tuple[Counted, ...], options: Breaker, now: float) -> tuple[Counted, ...]:
    """The outcomes that count: the last so many, or those in (now - size, now]; what a clock that stepped back left ahead counts, too."""
    size = options.advanced.window
    if isinstance(size, int):
        return window[-size:]
    return tuple(outcome for outcome in window if outcome.at > now - size)[-MOST:]


def _options(state: State, entry: Entry) -> State:
    options = Breaker.model_validate(entry.body)
    return state.but(options=options, window=within(state.window, options, entry.at))


def _admitted(state: State, entry: Entry) -> State:
    if state.forced is not None:
        return state
    if state.status is Status.OPEN and state.until <= entry.at:
        state = state.but(status=Status.HALF_OPEN, generation=state.generation + 1, since=entry.at, permits=(), successes=0)
    if state.status is not Status.HALF_OPEN or entry.body["lease"] is None:
        return state
    others = tuple(permit for permit in live(state, entry.at) if permit.run != entry.run)
    return state.but(permits=(*others, Permit(entry.run, entry.body["lease"])))


def _held(state: State, entry: Entry) -> State:
    return state.but(permits=tuple(permit for permit in state.permits if permit.run != entry.run))


def _ended(state: State, entry: Entry) -> State:
    state, options = _held(state, entry), state.options
    score, same = Score(entry.body["score"]), entry.body["generation"] == state.generation
    if options is None or not same or state.forced is not None or score is Score.INCONCLUSIVE:
        return state
    failed = score is Score.FAILURE
    if state.status is Status.HALF_OPEN:
        return _probed(state, options, entry.at, failed=failed)
    if state.status is Status.OPEN:
        return state
    window = within((*state.window, Counted(entry.at, failed)), options, entry.at)
    state = state.but(window=window, streak=state.streak + 1 if failed else 0)
    why = _too_many(state, options)
    return _opened(state, options, entry.at, reopens=state.reopens, why=why) if why else state


def _probed(state: State, options: Breaker, at: float, *, failed: bool) -> State:
    if failed:
        return _opened(state, options, at, reopens=state.reopens + 1, why="a probe failed")
    if state.successes + 1 < options.advanced.permits:
        return state.but(successes=state.successes + 1)
    return _closed(state, at)


def _too_many(state: State, options: Breaker) -> str:
    """Why it opens now, as what is measured beside its limit; empty when it does not."""
    counted, share = len(state.window), options.failure_rate
    if options.consecutive and state.streak >= options.consecutive:
        return f"{state.streak} failed in a row; the limit is {limits(options)}"
    if share and counted >= options.advanced.minimum_calls and state.failed / counted >= share - _ROUNDING:
        return f"{state.failed} of {counted} failed; the limit is {limits(options)}"
    return ""


def _opened(state: State, options: Breaker, at: float, *, reopens: int, why: str) -> State:
    """Open from `at` on. The jitter is drawn from key and generation, so that every fold of the log draws the same."""
    generation = state.generation + 1
    drawn = int.from_bytes(sha256(f"{state.key}\0{generation}".encode()).digest()[:8]) / 2**64
    wait = wait_of(options, reopens) * (1 + options.advanced.jitter * (2 * drawn - 1))
    return state.but(
        status=Status.OPEN,
        generation=generation,
        since=at,
        until=at + wait,
        reopens=reopens,
        permits=(),
        successes=0,
        streak=0,
        why=why,
    )


def _closed(state: State, at: float) -> State:
    return State(key=state.key, options=state.options, generation=state.generation + 1, since=at)


def _forced(state: State, entry: Entry) -> State:
    forced = Forced.model_validate({**entry.body, "since": entry.at})
    return state.but(forced=forced, generation=state.generation + 1, permits=())


def _reset(state: State, entry: Entry) -> State:
    return _closed(state, entry.at)


_STEPS: Mapping[str, Callable[[State, Entry], State]] = {
    "options": _options,
    "admitted": _admitted,
    "again": _admitted,
    "held": _held,
    "ended": _ended,
    "forced": _forced,
    "reset": _reset,
}


def options_entry(options: Breaker) -> dict[str, Any]:
    """The body of an `options` entry, numbers exact."""
    return options.model_dump()
