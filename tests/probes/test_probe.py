"""What every kind of probe promises: an answer in its time, whatever happens, and never a pass without a measurement."""

import threading
import time
from collections.abc import Callable
from threading import Event

import pytest

from runner.probes import REGISTERED, kinds
from runner.probes.probe import GRACE, Context, Probe
from runner.probes.reading import Reading, failed, passed
from tests.probes.served import a_probe

KEYS: dict[str, object] = {
    "http": "http://127.0.0.1:1/",
    "tcp": "127.0.0.1:1",
    "command": ["true"],
    "process": "/run/app.pid",
    "host": True,
    "suite": True,
}


def test_every_kind_is_registered_by_its_name() -> None:
    assert tuple(kinds()) == REGISTERED == tuple(KEYS)
    for name, kind in kinds().items():
        assert kind.kind == name
        assert name in kind.Options.model_fields


def test_no_two_kinds_have_a_key_in_common_but_for_those_of_all() -> None:
    common = set(Probe.__init__.__globals__["Common"].model_fields)
    own = [key for kind in kinds().values() for key in kind.Options.model_fields if key not in common]
    assert len(own) == len(set(own))


@pytest.mark.parametrize("kind", REGISTERED)
def test_a_probe_that_breaks_has_no_data_and_says_why(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_self: Probe, _context: Context) -> Reading:
        raise ZeroDivisionError("by\nzero")

    probe = a_probe(**{kind: KEYS[kind]})
    monkeypatch.setattr(type(probe), "measure", breaks)
    reading = probe.take(Context())
    assert (reading.outcome, reading.probe) == ("no_data", probe.name)
    assert reading.reason == "it broke: ZeroDivisionError: by\\nzero"


@pytest.mark.parametrize("kind", REGISTERED)
def test_a_probe_that_hangs_is_left_in_time_and_never_asked_twice_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    over, asked = Event(), []

    def hangs(_self: Probe, _context: Context) -> Reading:
        asked.append(threading.get_ident())
        over.wait(20)
        return passed("at last")

    probe = a_probe(**{kind: KEYS[kind]}, timeout="50ms")
    monkeypatch.setattr(type(probe), "measure", hangs)
    started = time.monotonic()
    outcomes = [probe.take(Context()).outcome for _ in range(3)]
    assert time.monotonic() - started < 3 * (0.05 + GRACE) + 1
    assert (outcomes, len(asked)) == (["no_data"] * 3, 1)
    over.set()
    ends = time.monotonic() + 5
    while probe.take(Context()).outcome == "no_data" and time.monotonic() < ends:
        time.sleep(0.01)
    assert len(asked) >= 2, "once it is done it is asked again"


def test_a_reading_says_when_it_was_complete() -> None:
    assert a_probe(command=["true"]).take(Context(started=90.0, monotonic=lambda: 100.0)).at == 10.0


def _raises() -> Reading:
    raise OSError("no docker")


@pytest.mark.parametrize("kind", ["host", "suite"])
@pytest.mark.parametrize(
    ("answer", "outcome"), [(lambda: passed("well"), "pass"), (lambda: failed("ill"), "fail"), (_raises, "no_data"), (None, "no_data")]
)
def test_what_others_measure_is_passed_on(kind: str, answer: Callable[[], Reading] | None, outcome: str) -> None:
    assert a_probe(**{kind: True}).take(Context(host=answer, suite=answer)).outcome == outcome
