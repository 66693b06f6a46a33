"""Whether a breaker lets a run in, from its state at one moment."""

from typing import NamedTuple

from runner.gates.breaker.fold import State, Status, live
from runner.gates.breaker.options import Breaker, limits
from runner.model.text import cut, printable

_REASON = 200


class Admission(NamedTuple):
    """Let in, in this generation; `lease` is the time at which a probe's permit ends, `None` where no permit is needed."""

    generation: int
    lease: float | None = None


class Refusal(NamedTuple):
    """Not now, and for how many seconds."""

    why: str
    limit: str
    wait: float


def ask(state: State, options: Breaker, now: float, run: str) -> Admission | Refusal:
    """The answer to `run` by a state that is as of `now` (`at_time`)."""
    if state.forced is not None and state.forced.state == "open":
        until = state.forced.until
        if until is None:
            return Refusal(f"{by_hand(state)}; it stays so until it is reset", limits(options), options.advanced.max_wait)
        return Refusal(by_hand(state), limits(options), until - now)
    if state.forced is not None or state.status is Status.CLOSED:
        return Admission(state.generation)
    if state.status is Status.OPEN and state.until > now:
        return Refusal(f"open: {state.why}", limits(options), state.until - now)
    return _probe(state, options, now, run)


def _probe(state: State, options: Breaker, now: float, run: str) -> Admission | Refusal:
    lease = now + options.advanced.lease
    if state.status is Status.OPEN:
        return Admission(state.generation + 1, lease)
    out = sorted(permit.until for permit in live(state, now) if permit.run != run)
    if len(out) < options.advanced.permits:
        return Admission(state.generation, lease)
    probes = "a run probes" if len(out) == 1 else f"{len(out)} runs probe"
    room = out[len(out) - options.advanced.permits]
    return Refusal(f"half-open: {probes} already", f"{options.advanced.permits} at once", room - now)


def by_hand(state: State) -> str:
    """What a person decided, for people."""
    if state.forced is None:
        return ""
    verb = "opened" if state.forced.state == "open" else "disabled"
    return f"{verb} by {cut(printable(state.forced.who), _REASON)}: {cut(printable(state.forced.reason), _REASON)}"
