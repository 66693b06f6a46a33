"""How long a sandbox may live."""

import time
from threading import Event
from types import SimpleNamespace

import pytest

from runner.model.sandbox import Limits
from runner.model.suite import Stop
from runner.sandbox.streams import Line
from runner.sandbox.watch import Watch


@pytest.mark.parametrize(
    ("records", "stalled", "stop", "least"),
    [
        ([], False, Stop.TIMED_OUT, 0.2),
        ([], True, Stop.STALLED, 0.0),
        ([{"k": "over"}], False, Stop.TIMED_OUT, 0.6),
        ([{"k": "over"}], True, Stop.TIMED_OUT, 0.6),
    ],
    ids=["a suite", "a suite that stalls", "its errands", "a test that was in flight when the suite died"],
)
def test_errands_have_their_own_time_which_is_not_the_suite_s(records, stalled, stop, least):
    reader = SimpleNamespace(record=lambda *_: None)
    watch = Watch(None, "container", Limits(), reader, carries_file=False)
    watch.errand_seconds = 0.4
    for record in records:
        watch.conversation.take(Line(None, record))
    began = time.monotonic()
    deadline = began + (0.2 if not stalled or records else 5.0)
    assert watch._wait(deadline, lambda: stalled, Event()) is stop
    assert time.monotonic() - began >= least
