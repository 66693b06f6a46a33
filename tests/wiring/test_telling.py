"""What a run is at is an event for whoever follows it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import StoreUnavailable
from runner.store.events import SqlEvents
from runner.store.places import Places, claim
from runner.wiring.telling import telling
from testing.clients import Heard


@pytest.fixture
def events(tmp_path: Path) -> Iterator[SqlEvents]:
    with closing(SqlEvents(claim(tmp_path / "state"))) as made:
        yield made


def test_each_stage_is_told_when_it_begins_and_once_whatever_its_parts(events: SqlEvents, tmp_path: Path) -> None:
    heard = Heard()
    with telling(Places(tmp_path / "cache", tmp_path / "state"), heard) as voice:
        said = voice("ab12")
        for name in ("preflight", "validate: paths", "validate: syntax", "trial"):
            said.stage(name)
        said.note("not for everybody")
    assert [(event.kind, event.run, event.body) for event in events.after(0, 9)] == [
        ("run.doing", "ab12", {"stage": name}) for name in ("preflight", "validate", "trial")
    ]
    assert heard.said[1:3] == ["run ab12: validate: paths", "run ab12: validate: syntax"]


def test_a_record_that_cannot_be_used_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(SqlEvents, "tell", broken)
    heard = Heard()
    with telling(Places(tmp_path / "cache", tmp_path / "state"), heard) as voice:
        voice("ab12").stage("trial")
    assert heard.said == ["run ab12: trial"]
