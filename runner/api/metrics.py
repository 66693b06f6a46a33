"""Counts for Prometheus.

What the record knows is made anew at each look, so that several servers of one record tell the same; how long stages took is counted as
it happens, from when this server began.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from runner.errors import StoreUnavailable
from runner.model.keys import parts_of
from runner.store.events import Event
from runner.store.waiting import SqlWaiting
from runner.wiring import breakers
from runner.wiring.serving import Service

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
_PAGE: Final = 500
_MOST_PAGES: Final = 40
"""Events that one look reads at most; the next goes on where it ended."""
_MOST_RUNS: Final = 5000
_STEPS: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds."""


class Metrics:
    """What there is to count of one service; any thread may ask."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Record(service))
        self._times = _Times(service, self._registry)

    def exposition(self) -> bytes:
        """All metrics in the text format. Raises StoreUnavailable."""
        self._times.read()
        found: bytes = generate_latest(self._registry)
        return found


class _Times:
    """How long runs waited and how long their stages took, by the times of their events."""

    def __init__(self, service: Service, registry: CollectorRegistry) -> None:
        self._events = service.events
        self._lock = Lock()
        self._seq: int | None = None
        with suppress(StoreUnavailable):  # then from the first look on
            self._seq = self._events.bounds()[1]
        self._last: dict[str, float] = {}
        self._stages = Histogram(
            "seatrial_stage_seconds", "How long stages of submitted runs took.", ["stage"], registry=registry, buckets=_STEPS
        )
        self._waits = Histogram("seatrial_wait_seconds", "How long runs waited for a worker.", registry=registry, buckets=_STEPS)

    def read(self) -> None:
        """Count what has happened since the last look."""
        with self._lock:
            if self._seq is None:
                self._seq = self._events.bounds()[1]
            for _ in range(_MOST_PAGES):
                found = self._events.after(self._seq, _PAGE)
                for event in found:
                    self._seq = event.seq
                    self._count(event)
                if len(found) < _PAGE:
                    return

    def _count(self, event: Event) -> None:
        before = self._last.pop(event.run, None)
        if event.kind in ("run.queued", "run.began", "run.resumed", "run.stage"):
            self._last[event.run] = event.at
            if len(self._last) > _MOST_RUNS:
                del self._last[next(iter(self._last))]
        if before is None:
            return
        if event.kind == "run.stage":
            self._stages.labels(str(event.body.get("stage", ""))[:40]).observe(max(0.0, event.at - before))
        elif event.kind == "run.began":
            self._waits.observe(max(0.0, event.at - before))


class _Record:
    """What one look at the record counts."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """The metrics, as the library asks for them."""
        yield from self._runs()
        yield from self._queues()
        yield from self._breakers()
        yield from self._webhooks()
        yield GaugeMetricFamily("seatrial_events_newest", "The number of the newest event.", value=self._service.events.bounds()[1])

    def _runs(self) -> Iterator[Metric]:
        counts = self._service.kept.runs.counts()
        ended = CounterMetricFamily("seatrial_runs_ended", "Runs that have ended, by how.", labels=["command", "ending", "verdict"])
        states: Counter[tuple[str, str]] = Counter()
        verdicts: Counter[tuple[str]] = Counter()
        rollbacks = 0
        for (command, state, ending, verdict), number in counts.items():
            states[command, state] += number
            if verdict:
                verdicts[(verdict,)] += number
            if state == "ended":
                ended.add_metric([command, ending, verdict], number)
                rollbacks += number if ending == "rolled_back" else 0
        yield _gauge("seatrial_runs", "Runs by what they are at this moment.", ("command", "state"), states.items())
        yield ended
        yield _gauge("seatrial_verdicts", "Runs by the verdict that they have.", ("verdict",), verdicts.items())
        yield CounterMetricFamily("seatrial_rollbacks", "Runs whose promotion was taken back.", value=rollbacks)

    def _queues(self) -> Iterator[Metric]:
        waiting = SqlWaiting(self._service.where.state)
        try:
            queues = waiting.queues()
        finally:
            waiting.close()
        number = {(queue.kind, queue.name): queue.waiting for queue in queues}
        yield _gauge("seatrial_queue_waiting", "Requests that no worker has begun.", ("kind", "name"), number.items())
        oldest = {(queue.kind, queue.name): queue.oldest for queue in queues}
        yield _gauge("seatrial_queue_lag_seconds", "How long the oldest of them waits.", ("kind", "name"), oldest.items())

    def _breakers(self) -> Iterator[Metric]:
        found = breakers.listed(self._service.where.state).breakers
        states = Counter((parts_of(state.key)[0], state.called) for state in found)
        yield _gauge("seatrial_breakers", "Breakers by where they are.", ("breaker", "state"), states.items())

    def _webhooks(self) -> Iterator[Metric]:
        hooks = self._service.webhooks.list()
        states = Counter(("disabled" if hook.disabled else "failing" if hook.failing else "fine",) for hook in hooks)
        yield _gauge("seatrial_webhooks", "Webhooks by how they are.", ("state",), states.items())
        pending = sum(hook.pending for hook in hooks)
        yield GaugeMetricFamily("seatrial_deliveries_pending", "Events on their way to webhooks.", value=pending)


def _gauge(name: str, about: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for label, value in sorted(values):
        family.add_metric(list(label), value)
    return family
