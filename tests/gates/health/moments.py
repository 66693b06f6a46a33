"""A ledger in memory whose clock the test sets, samples of a machine that the test makes up, and a sandbox that answers as told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.errors import EngineUnavailable
from runner.gates.health import Facts
from runner.gates.health.options import Options
from runner.gates.health.signals import Reading, Sample, Status, Value
from runner.model.threshold import Unit
from runner.ports import Entry

GIB = 2**30
HOST = "berth"
START = 1_000_000.0


class Book:
    """As `runner.ports.Moment` and `Ledger` say, for one reader at a time."""

    def __init__(self, now: float = START) -> None:
        self.now = now
        self.log: list[tuple[str, str, Entry]] = []

    @contextmanager
    def writing(self) -> Iterator["Book"]:
        yield self

    reading = writing

    def entries(self, gate: str, key: str, *, after: int = 0, since: float = 0.0, kind: str | None = None) -> tuple[Entry, ...]:
        here = (entry for owner, name, entry in self.log if (owner, name) == (gate, key))
        return tuple(entry for entry in here if entry.seq > after and entry.at > since and kind in (None, entry.kind))

    def append(self, gate: str, key: str, kind: str, *, run: str = "", body: Mapping[str, Any] | None = None) -> Entry:
        entry = Entry(len(self.log) + 1, self.now, kind, run, dict(body or {}))
        self.log.append((gate, key, entry))
        return entry

    def keys(self, gate: str) -> tuple[str, ...]:
        return tuple(sorted({key for owner, key, _ in self.log if owner == gate}))

    def forget(self, gate: str, key: str, before: float) -> None:
        self.log = [row for row in self.log if row[:2] != (gate, key) or row[2].at >= before]


class Engine:
    """The sandbox, as far as health asks it."""

    def __init__(self, seconds: float | None = 0.001, storage: Path | None = None) -> None:
        self.seconds, self._storage = seconds, storage

    def ping(self) -> float:
        if self.seconds is None:
            raise EngineUnavailable("Cannot ping the container engine: nobody is there.")
        return self.seconds

    def storage(self) -> Path | None:
        return self._storage


def a_reading(share: float, size: float | None = None, source: str = "host") -> Reading:
    more = {} if size is None else {Unit.SIZE: size}
    return Reading(Status.READ, (Value({Unit.SHARE: share, **more}, source),))


def a_sample(*, uptime: float = 5000.0, boot: str = "boot", **readings: Reading) -> Sample:
    """A machine in good health but for `readings`."""
    good = {
        "disk_free": a_reading(0.5, 100 * GIB, "/"),
        "inodes_free": a_reading(0.9, None, "/"),
        "memory_available": a_reading(0.5, 8 * GIB),
        "pids_free": a_reading(0.99),
        "psi_memory": a_reading(0.0),
        "psi_io": a_reading(0.0),
        "psi_cpu": a_reading(0.1),
        "cpu": a_reading(1.0),
        "docker_ping": Reading(Status.READ, (Value({Unit.TIME: 0.001}, "Docker"),)),
    }
    return Sample(boot, uptime, {**good, **readings})


def facts(book: Book, sample: Sample, needed: int = 0) -> Facts:
    return Facts(HOST, book.now, sample, needed)


def options(**given: Any) -> Options:
    return Options.model_validate(given)
