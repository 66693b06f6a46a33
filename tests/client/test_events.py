"""Reading a stream of events, however it is cut, whatever is in it."""

import json

import pytest

from runner.client.events import LONGEST, Event, events
from runner.errors import InfrastructureError

STREAM = (
    b": seatrial\n\n"
    b'id: 7\nevent: run.stage\ndata: {"seq": 7, "at": "x", "kind": "run.stage", "run": "ab", "body": {"stage": "trial"}}\n\n'
    b": alive\n\n"
    b'id: 8\r\nevent: run.ended\r\ndata: {"seq": 8, "at": "x", "kind": "run.ended", "run": "ab", "body": {}}\r\n\r\n'
)
FOUND = [Event(7, "run.stage", "ab", {"stage": "trial"}), Event(8, "run.ended", "ab", {})]


@pytest.mark.parametrize("size", [1, 2, 7, 50, 10_000])
def test_events_are_found_however_the_stream_is_cut(size: int) -> None:
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    found = list(events(pieces))
    assert [event for event in found if event is not None] == FOUND
    assert found.count(None) >= len(pieces)


@pytest.mark.parametrize(
    "data",
    [
        b"no json",
        b"[]",
        b"null",
        b'{"seq": "7", "kind": "a", "run": "b", "body": {}}',
        b'{"seq": 7, "kind": 1, "run": "b", "body": {}}',
        b'{"seq": 7, "kind": "a", "run": "b", "body": []}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_event_is_passed_over(data: bytes) -> None:
    good = json.dumps(FOUND[0]._asdict()).encode()
    found = list(events([b"data: " + data + b"\n\n", b"data: " + good + b"\n\n"]))
    assert [event for event in found if event is not None] == FOUND[:1]


@pytest.mark.parametrize("pieces", [[b"data: " + b"x" * 2**16] * 20, [b"data: " + b"x" * 2**16 + b"\n"] * 20])
def test_an_event_without_an_end_is_not_kept(pieces: list[bytes]) -> None:
    assert len(b"".join(pieces)) > LONGEST
    with pytest.raises(InfrastructureError):
        list(events(pieces))


def test_an_event_that_is_cut_off_is_none() -> None:
    assert [event for event in events([STREAM[:80]]) if event is not None] == []
