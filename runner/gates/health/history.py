"""The samples of a host in the gates' ledger: which are kept, for how long, and how they are read again."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from runner.gates.health.levels import level
from runner.gates.health.options import KEPT, Options
from runner.gates.health.signals import SIGNALS, Sample, from_body, to_body
from runner.gates.health.states import Level
from runner.ports import Entry, Moment

GATE: Final = "health"
_KIND: Final = "sample"
_TREND: Final = "/trend"
_NEAR = 60.0
SPACING, TREND_SPACING = 10.0, 120.0
"""Seconds between samples of the recent log, where nothing changed, and of the trend."""


class Past(NamedTuple):
    """A sample of the ledger and when it was taken, in seconds by the ledger's clock."""

    at: float
    sample: Sample


def recent(moment: Moment, host: str, seconds: float, names: Container[str] = SIGNALS) -> tuple[Past, ...]:
    """The samples of the last `seconds`, in the order in which they were written; ones that the clock has put ahead included."""
    return _past(moment.entries(GATE, host, since=moment.now - seconds, kind=_KIND), names)


def trend(moment: Moment, host: str, seconds: float, names: Container[str] = SIGNALS) -> tuple[Past, ...]:
    """The samples of the last `seconds`, one in two minutes at most."""
    return _past(moment.entries(GATE, host + _TREND, since=moment.now - seconds, kind=_KIND), names)


def before(moment: Moment, host: str, seconds: float) -> tuple[Sample, ...]:
    """The counters of the last `seconds`, as samples without readings, the newest last; few."""
    found = (*trend(moment, host, seconds, ()), *recent(moment, host, min(seconds, _NEAR), ()))
    return tuple(past.sample for past in sorted(found, key=lambda past: past.at) if past.at <= moment.now)


def known(moment: Moment, host: str) -> bool:
    """Whether there is any sample of this host."""
    return host + _TREND in moment.keys(GATE)


def keep(moment: Moment, host: str, sample: Sample, options: Options) -> None:
    """Write the sample, unless one that says the same of every limit is hardly older, and forget what is too old."""
    body = to_body(sample)
    near = [past for past in recent(moment, host, SPACING) if past.at <= moment.now]
    if not near or levels(near[-1].sample, options) != levels(sample, options):
        moment.append(GATE, host, _KIND, body=body)
    if not any(past.at <= moment.now for past in trend(moment, host, TREND_SPACING, ())):
        moment.append(GATE, host + _TREND, _KIND, body=body)
        for key in moment.keys(GATE):
            moment.forget(GATE, key, moment.now - (KEPT if key.endswith(_TREND) else window(options)))


def window(options: Options) -> float:
    """How far back the states of signals reach, in seconds: a breach that lasted, and a recovery after it."""
    longest = max(options.signal(name).hold for name in SIGNALS)
    return longest + options.advanced.recover + options.advanced.stale * options.advanced.samples


def levels(sample: Sample, options: Options) -> Mapping[str, Level | None]:
    """What each judged signal breaches."""
    return {name: level(sample.readings.get(name), options.signal(name)) for name in SIGNALS}


def times(past: Sequence[Past], now: float, fresh: Sample) -> list[float]:
    """When each past sample was, on an axis that no step of a clock bends: `now` less the machine's uptime between them, within one boot."""
    found: list[float] = []
    later_at, later, at = now, fresh, now
    for one in reversed(past):
        same = one.sample.boot == later.boot != "" and 0 < one.sample.uptime <= later.uptime
        at -= later.uptime - one.sample.uptime if same else max(0.0, later_at - one.at)
        found.append(at)
        later_at, later = one.at, one.sample
    return found[::-1]


def _past(entries: Iterable[Entry], names: Container[str]) -> tuple[Past, ...]:
    found = ((entry.at, from_body(entry.body, names)) for entry in entries)
    return tuple(Past(at, sample) for at, sample in found if sample is not None)
