"""How long answers take before a promotion, for comparison."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Event, Thread

from runner.probes.options import Monitor, made
from runner.probes.probe import Context, Probe
from runner.probes.reading import Sign

_PACE = 0.25
"""Seconds between two readings."""


def baseline(options: Monitor, context: Context, stop: Event) -> Mapping[str, tuple[float, ...]]:
    """Seconds that answers that passed took, by probe; empty where the policy does not compare times.

    Takes `min_samples` readings of each probe that has times, all probes at once: about a quarter of a second each, twice as many at most where
    some do not pass; less once `stop` is set. Whatever tree answers counts.
    """
    if options.advanced.latency.max_regression is None:
        return {}
    timed = [probe for probe in made(options) if probe.timed]
    taken: dict[str, list[float]] = {probe.name: [] for probe in timed}
    before = replace(context, tree="")
    threads = [Thread(target=_take, args=(probe, options, before, stop, taken[probe.name]), daemon=True) for probe in timed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: tuple(values) for name, values in taken.items()}


def _take(probe: Probe, options: Monitor, context: Context, stop: Event, taken: list[float]) -> None:
    wanted = options.advanced.latency.min_samples
    for _ in range(2 * wanted):
        reading = probe.take(context)
        if reading.outcome is Sign.PASS and reading.seconds is not None:
            taken.append(reading.seconds)
        if len(taken) >= wanted or stop.wait(min(_PACE, probe.options.interval)):
            return
