"""What the readings of all probes come to: confirm, take back, undecided, or go on."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from runner.model.run import Course
from runner.model.units import show_duration, show_percent
from runner.model.value import Value
from runner.probes.options import Monitor, ProbeOptions, kind_of, name_of
from runner.probes.probe import GRACE, Probe
from runner.probes.ranks import chance_of, median
from runner.probes.reading import Reading, Sign

KEPT: Final = 200
"""Times of answers that are kept for the comparison with those before, from the end: what a service needs to warm up counts no more."""
_LATE: Final = 1.0
NO_PROBES: Final = "the policy names no probes: only `seatrial confirm` can confirm it"


class State(Value):
    """What the readings of one probe come to so far; plain JSON."""

    probe: str
    score: float = 0.0
    """Of the sequential test."""
    failures: int = 0
    """In a row, at the end; readings without data between them do not break the row."""
    silent: int = 0
    """Readings without data in a row, at the end."""
    passed: int = 0
    failed: int = 0
    no_data: int = 0
    proven: bool = False
    """One conclusive answer was a pass."""
    broken: str = ""
    """Why it is known to be wrong; that stays."""
    last: Reading | None = None
    trouble: Reading | None = None
    """The last reading that was no pass."""
    seconds: tuple[float, ...] = ()
    """How long the last answers took that passed."""
    before: tuple[float, ...] = ()
    """How long answers took before the promotion."""

    @property
    def counts(self) -> str:
        """For people: `12 passed, 1 failed, 3 without data`."""
        told = f"{self.passed} passed, {self.failed} failed"
        return f"{told}, {self.no_data} without data" if self.no_data else told


class Ruling(NamedTuple):
    """What becomes of the promotion; no course means that the watch goes on."""

    course: Course | None
    reason: str


def fold(state: State, reading: Reading, probe: Probe, options: Monitor) -> State:
    """The state after one more reading of the probe."""
    if reading.outcome is Sign.NO_DATA and probe.options.no_data == "nothing":
        return _with(state, last=reading, trouble=reading, silent=state.silent + 1, no_data=state.no_data + 1)
    if reading.outcome is Sign.PASS:
        return _passed(state, reading, probe, options)
    failures = state.failures + 1
    score = options.advanced.test.step(state.score, failed=True)
    silence = {"silent": state.silent + 1, "no_data": state.no_data + 1} if reading.outcome is Sign.NO_DATA else {"silent": 0}
    after = _with(state, last=reading, trouble=reading, failures=failures, failed=state.failed + 1, score=score, proven=False, **silence)
    return _with(after, broken=state.broken or _broken(after, reading, probe, options))


def judge(states: Sequence[State], options: Monitor, since: float, now: float) -> Ruling:
    """What the states come to at `now`; `since` is when the watch began, both by one clock that never jumps.

    Any probe that is broken takes the promotion back, at any time. It is confirmed when all are healthy, none has fallen silent, and
    `confirm_after` is over; where answers are to be no slower than before, that is decided then, once. At the deadline it is undecided,
    whatever is healthy then.
    """
    if why := _known_wrong(states):
        return Ruling(Course.TAKE_BACK, why)
    elapsed = now - since
    if elapsed >= options.deadline:
        return undecided(states, options)
    asked = paired(states, options)
    waiting = [why for probe, state in asked if (why := doubt(probe, state, options, elapsed))] if asked else [NO_PROBES]
    if waiting or elapsed < options.confirm_after:
        first = f"every probe is healthy; confirmed {show_duration(options.confirm_after)} after the promotion at the earliest"
        return Ruling(None, "; ".join(waiting) or first)
    return _slower([(probe, state) for probe, state in asked if _timed(probe)], options) or Ruling(Course.CONFIRM, _well(asked))


def undecided(states: Sequence[State], options: Monitor) -> Ruling:
    """What it is at the deadline, unless it is known to be wrong; never a confirmation."""
    if why := _known_wrong(states):
        return Ruling(Course.TAKE_BACK, why)
    told = "; ".join(f"{state.probe}: {_told(state)}" for _, state in paired(states, options)) or NO_PROBES
    return Ruling(Course.UNDECIDED, f"undecided at the deadline: {told}")


def paired(states: Sequence[State], options: Monitor) -> list[tuple[ProbeOptions, State]]:
    """Each probe of the policy with its state, in the policy's order; one without a reading has an empty one."""
    known = {state.probe: state for state in states}
    named = [(probe, name_of(probe)) for probe in options.probes]
    return [(probe, known.get(name) or State(probe=name)) for probe, name in named]


def doubt(probe: ProbeOptions, state: State, options: Monitor, elapsed: float) -> str:
    """Why it does not count as healthy now; empty when it does."""
    kind = kind_of(probe)
    if state.proven and kind is not None and kind.conclusive:
        return ""
    if state.last is None:
        return f"{state.probe} has given no reading yet"
    if state.silent >= options.advanced.no_data:
        return f"{state.probe} gave no data {state.silent} times in a row: {state.last.reason}"
    if state.score > options.advanced.test.healthy:
        return f"{state.probe} is not known to be healthy yet ({state.counts})"
    if elapsed - state.last.at > 2 * probe.interval + probe.timeout + GRACE + _LATE:
        return f"the last reading of {state.probe} is {show_duration(round(elapsed - state.last.at, 1))} old"
    return ""


def regression(state: State, options: Monitor) -> str:
    """How much slower its answers are than before the promotion, if that is more than the policy allows, and sure enough."""
    latency = options.advanced.latency
    if latency.max_regression is None or min(len(state.seconds), len(state.before)) < latency.min_samples:
        return ""
    bearable = [seconds * (1 + latency.max_regression) for seconds in state.before]
    chance = chance_of(state.seconds, bearable)
    if chance > 1 - latency.confidence:
        return ""
    now, then, most = median(state.seconds) * 1000, median(state.before) * 1000, show_percent(latency.max_regression)
    return f"answers in {now:.1f}ms, before the promotion in {then:.1f}ms: more than {most} slower (p = {chance:.2g})"


def _known_wrong(states: Sequence[State]) -> str:
    return "; ".join(sorted(f"{state.probe} {state.broken}" for state in states if state.broken))


def _with(state: State, **changes: object) -> State:
    return state.model_copy(update=changes)


def _passed(state: State, reading: Reading, probe: Probe, options: Monitor) -> State:
    test = options.advanced.test
    score = test.healthy if probe.conclusive else test.step(state.score, failed=False)
    seconds = state.seconds if reading.seconds is None else (*state.seconds, reading.seconds)[-KEPT:]
    proven = probe.conclusive and not state.broken
    return _with(state, last=reading, failures=0, silent=0, passed=state.passed + 1, score=score, seconds=seconds, proven=proven)


def _broken(state: State, reading: Reading, probe: Probe, options: Monitor) -> str:
    """Why the probe is broken by now; empty while it is not."""
    if probe.conclusive and reading.outcome is Sign.FAIL:
        return f"failed: {reading.reason}"
    if state.failures >= options.advanced.failures:
        return f"failed {state.failures} times in a row: {reading.reason}"
    if state.score >= options.advanced.test.broken:
        return f"fails too often ({state.counts}): {reading.reason}"
    return ""


def _timed(probe: ProbeOptions) -> bool:
    kind = kind_of(probe)
    return kind is not None and kind.timed


def _slower(asked: Sequence[tuple[ProbeOptions, State]], options: Monitor) -> Ruling | None:
    """What the answers' times say against the confirmation; nothing where the policy does not compare them.

    One look, when all else says confirm: a test that was asked again and again would find a difference sooner or later.
    """
    latency = options.advanced.latency
    if latency.max_regression is None:
        return None
    for _, state in asked:
        if len(state.before) < latency.min_samples:
            return Ruling(None, f"only {len(state.before)} answers of {state.probe} before the promotion to compare times with")
        if len(state.seconds) < latency.min_samples:
            return Ruling(None, f"{len(state.seconds)} of {latency.min_samples} answers of {state.probe} to compare times of")
    slower = [f"{state.probe} {told}" for _, state in asked if (told := regression(state, options))]
    return Ruling(Course.TAKE_BACK, "; ".join(sorted(slower))) if slower else None


def _told(state: State) -> str:
    if state.last is None:
        return "no reading"
    return f"{state.counts}; last: {(state.trouble or state.last).reason}"


def _well(asked: Sequence[tuple[ProbeOptions, State]]) -> str:
    count = len(asked)
    readings = sum(state.passed for _, state in asked)
    return f"{'the probe is' if count == 1 else f'all {count} probes are'} healthy, {readings} reading{'' if readings == 1 else 's'} passed"
