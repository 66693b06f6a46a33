"""What a sample means beside its history: the state of every signal, and the disk's future."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from runner.gates.health.forecast import Slope, reaches, slope, surely_reaches
from runner.gates.health.history import Past, recent, times, trend, window
from runner.gates.health.levels import level, limit_of, worst
from runner.gates.health.options import Options, Signal
from runner.gates.health.signals import ROOM, SIGNALS, Reading, Sample, Status, Value
from runner.gates.health.states import Level, Rules, Seen, Standing, standing
from runner.model.threshold import Threshold, Unit
from runner.ports import Moment


class Assessed(NamedTuple):
    """One signal: what was read, what the reading breaches by itself, and where the signal stands."""

    name: str
    reading: Reading
    limits: Signal
    level: Level | None
    standing: Standing

    @property
    def value(self) -> Value | None:
        """The value that counts."""
        return worst(self.reading, self.limits)

    @property
    def limit(self) -> Threshold:
        """The threshold that the state is about."""
        return limit_of(self.limits, self.standing.level or Level.SOFT)


class Outlook(NamedTuple):
    """The future of one file system: seconds until its limit and until it is full, by the median slope; `sure` when the bounds agree."""

    source: str
    slope: Slope
    limit: float
    reaches: float | None
    full: float | None
    sure: bool


def assess(moment: Moment, host: str, sample: Sample, age: float, options: Options) -> tuple[Assessed, ...]:
    """Every signal with a history, after a sample that is `age` seconds old."""
    past = recent(moment, host, window(options))
    axis = times(past, moment.now - age, sample)
    return tuple(_assessed(name, past, axis, sample, moment.now, age, options) for name in SIGNALS)


def _assessed(name: str, past: Sequence[Past], axis: Sequence[float], sample: Sample, now: float, age: float, options: Options) -> Assessed:
    limits, given = options.signal(name), options.advanced
    reading = sample.readings.get(name, Reading(Status.UNREADABLE, why="it was not read"))
    seen = [Seen(at, level(one.sample.readings.get(name), limits)) for at, one in zip(axis, past, strict=True)]
    fresh = level(reading, limits)
    rules = Rules(limits.hold, given.samples, given.recover, given.stale)
    return Assessed(name, reading, limits, fresh, standing((*seen, Seen(now - age, fresh)), now, rules))


def room(needed: int, sample: Sample, options: Options) -> Assessed:
    """What the change needs as a share of what is free, on each file system and in memory; no limit here waits or lingers."""
    limits = Signal(soft=options.room.soft, hard=options.room.hard)
    told = ((prefix, sample.readings.get(name)) for name, prefix in (("disk_free", ""), ("memory_available", "memory of the ")))
    free = [(one.values, prefix + one.source) for prefix, reading in told if reading for one in reading.values]
    values = tuple(Value({Unit.SHARE: needed / max(1.0, size[Unit.SIZE])}, source) for size, source in free if Unit.SIZE in size)
    reading = Reading(Status.READ, values) if values else Reading(Status.UNREADABLE, why="nobody knows what is free")
    now = level(reading, limits)
    return Assessed(ROOM, reading, limits, now, Standing(now, options.advanced.recover))


def outlook(moment: Moment, host: str, sample: Sample, options: Options) -> tuple[Outlook, ...]:
    """The future of every file system whose history is long enough, up to the sample; the first to be full comes first."""
    given = options.advanced.forecast
    past = trend(moment, host, given.lookback, ("disk_free",))
    axis = times(past, moment.now, sample)
    reading = sample.readings.get("disk_free")
    told = [_outlook(value, past, axis, moment.now, options) for value in (reading.values if reading else ()) if Unit.SIZE in value.values]
    return tuple(sorted((one for one in told if one is not None), key=lambda one: float("inf") if one.full is None else one.full))


def _outlook(value: Value, past: Sequence[Past], axis: Sequence[float], now: float, options: Options) -> Outlook | None:
    given = options.advanced.forecast
    points = [(at, size) for at, one in zip(axis, past, strict=True) if (size := _size(one.sample, value.source)) is not None]
    found = slope((*points, (now, value.values[Unit.SIZE])), span=given.lookback / 2)
    if found is None:
        return None
    limit = _bytes(options.disk_free.hard, value.values)
    sure = surely_reaches(found, limit, given.horizon)
    return Outlook(value.source, found, limit, reaches(found, limit), reaches(found, 0.0), sure)


def _size(sample: Sample, source: str) -> float | None:
    reading = sample.readings.get("disk_free")
    return next((one.values.get(Unit.SIZE) for one in (reading.values if reading else ()) if one.source == source), None)


def _bytes(threshold: Threshold, values: Mapping[Unit, float]) -> float:
    """The bytes free below which a threshold is met on this file system; 0 for none."""
    whole = values[Unit.SIZE] / values[Unit.SHARE] if values.get(Unit.SHARE) else 0.0
    limits = [part.limit * whole if part.unit is Unit.SHARE else part.limit for part in threshold.parts]
    return min(limits, default=0.0)
