"""Many who listen cost the database one question, and hear of what is new."""

from pathlib import Path

import pytest

from runner.store.database import Database
from runner.store.events import SqlEvents
from runner.wiring.pulse import Pulse
from testing.landing import until


def test_many_who_ask_are_one_question_and_what_is_new_is_soon_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events, database = SqlEvents(tmp_path), Database(tmp_path)
    asked: list[int] = []
    bounds = SqlEvents.bounds
    monkeypatch.setattr(SqlEvents, "bounds", lambda self: asked.append(1) or bounds(self))
    pulse = Pulse(events)
    assert [pulse.newest() for _ in range(100)] == [0] * 100
    assert len(asked) < 20
    with database.writing() as transaction:
        transaction.tell("run.stage", "abc", {})
    until(lambda: pulse.newest() == 1)
    for each in (events, database):
        each.close()
