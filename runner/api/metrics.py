"""Counts for Prometheus, made anew from the record at each look: several servers of one record tell the same."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from runner.wiring.serving import Service

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST


class _Record:
    """What one look at the record counts."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """The metrics, as the library asks for them."""
        counts = self._service.kept.runs.counts()
        runs = GaugeMetricFamily("seatrial_runs", "Runs by what they are at this moment.", labels=["command", "state"])
        ended = CounterMetricFamily("seatrial_runs_ended", "Runs that have ended, by how.", labels=["command", "ending", "verdict"])
        states: dict[tuple[str, str], int] = {}
        for (command, state, ending, verdict), number in counts.items():
            states[command, state] = states.get((command, state), 0) + number
            if state == "ended":
                ended.add_metric([command, ending, verdict], number)
        for labels, number in states.items():
            runs.add_metric(list(labels), number)
        yield runs
        yield ended
        yield GaugeMetricFamily("seatrial_events_newest", "The number of the newest event.", value=self._service.events.bounds()[1])


def exposition(service: Service) -> bytes:
    """All metrics in the text format."""
    registry = CollectorRegistry()
    registry.register(_Record(service))
    found: bytes = generate_latest(registry)
    return found
