"""What is past its sandbox waits for no room: a promotion is taken back at its deadline however many legs only wait."""

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import column, table, update

from runner.engine.executor import Checkpoint, Executor, Stopped
from runner.engine.queues import goes_on_in, late_of, left_by, runs_of
from runner.engine.room import MOST_LEGS
from runner.store.engine_database import SCHEMA, EngineDatabase
from runner.store.executors import SUBMIT, WATCH
from runner.store.owners import known_place
from testing.landing import until


class Work:
    """Legs that stay in their last step until they are let go, or their process is to end."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.go = threading.Event()
        self.executor: Executor | None = None

    def __call__(self, run: str, leg: int, checkpoint: Checkpoint) -> str:
        if leg:
            checkpoint("1.trial", lambda: "{}")
        return checkpoint("1.monitor" if leg else "read", lambda: self._stay(f"{run}.{leg}"))

    def _stay(self, name: str) -> str:
        self.there.add(name)
        while not self.go.wait(0.05):
            if self.executor and self.executor.stopping.is_set():
                raise Stopped
        return "{}"


def watcher(state: Path, work: Work, *, slots: int = 1) -> Executor:
    work.executor = Executor(state, role=WATCH, work=work, queues=("target-a",), slots=slots)
    return work.executor


def killed(executor: Executor) -> None:
    """Let it be taken for dead: the lock of one that is closed is held as long as its process lives."""
    assert executor._executors._lock is not None
    os.close(executor._executors._lock)


def test_promise_5_what_takes_back_does_not_wait_behind_legs_that_only_wait(tmp_path: Path, any_database: str) -> None:
    work = Work()
    with watcher(tmp_path / "state", work) as executor:
        for number in range(MOST_LEGS):
            executor.hand_over(f"waits{number}", 1)
        until(lambda: len(work.there) == MOST_LEGS)
        executor.carry("taken back", 2)
        executor.carry("restored", 1, late=True)
        until(lambda: {"taken back.2", "restored.1"} <= work.there)
        assert executor.busy()
        work.go.set()


def test_promise_5_what_was_promoted_before_a_crash_goes_on_at_once_however_much_did(tmp_path: Path, any_database: str) -> None:
    work, state = Work(), tmp_path / "state"
    wanted = {f"run{number}.1" for number in range(2 * MOST_LEGS)}
    with watcher(state, work, slots=2) as executor:
        for name in sorted(wanted):
            executor.hand_over(name.removesuffix(".1"), 1)
        until(lambda: work.there == wanted)
        executor.carry("taken back", 2)
        until(lambda: "taken back.2" in work.there)
    killed(executor)
    with closing(EngineDatabase(state)) as database, database.engine.begin() as connection:  # as another watcher with less room leaves it
        queues = table("queues", column("name"), column("worker_concurrency"), schema=None if database.url else SCHEMA)
        connection.execute(update(queues).where(queues.c.name == runs_of(known_place(state))).values(worker_concurrency=MOST_LEGS))
    again = Work()
    with watcher(state, again) as executor:
        until(lambda: again.there == wanted | {"taken back.2"})
        assert executor._room.spare() == 0
        again.go.set()


@pytest.mark.parametrize("leg", [1, 2])
def test_what_a_dead_submit_had_tried_goes_on_at_once(leg: int, tmp_path: Path, any_database: str) -> None:
    work, state = Work(), tmp_path / "state"
    work.executor = Executor(state, role=SUBMIT, work=work)
    with work.executor as executor:
        executor.carry("a", leg)
        until(lambda: work.there == {f"a.{leg}"})
    killed(executor)
    again = Work()
    with watcher(state, again) as executor:
        assert executor.reap() == (f"a.{leg}",)
        until(lambda: again.there == {f"a.{leg}"})
        assert left_by(executor.id) == [(f"a.{leg}", late_of(known_place(state)))]
        again.go.set()


def test_a_leg_that_goes_on_behind_its_trial_takes_no_room_from_others(tmp_path: Path, any_database: str) -> None:
    work, state = Work(), tmp_path / "state"
    with watcher(state, work) as executor:
        executor.hand_over("a", 1)
        until(lambda: work.there == {"a.1"})
    killed(executor)
    again = Work()
    with watcher(state, again) as executor:
        until(lambda: again.there == {"a.1"})
        executor.hand_over("b", 0, "target-a")
        until(lambda: again.there == {"a.1", "b.0"})
        again.go.set()


def test_what_is_only_read_needs_no_sandbox(tmp_path: Path, any_database: str) -> None:
    work = Work()
    with watcher(tmp_path / "state", work) as executor:
        executor.hand_over("fetched", 0, "target-a")
        until(lambda: work.there == {"fetched.0"})
        executor.hand_over("a", 1)
        until(lambda: work.there == {"fetched.0", "a.1"})
        work.go.set()


@pytest.mark.parametrize(
    ("name", "came_from", "goes_on"),
    [
        ("a.0", "target-a", "target-a"),
        ("a.1", "", runs_of("there")),
        ("a.1", runs_of("here"), runs_of("there")),
        ("a.1", late_of("here"), late_of("there")),
        ("a.1", "here-somebody", runs_of("there")),
        ("a.2", "", late_of("there")),
        ("a.2", "here-somebody", late_of("there")),
        ("a.12", runs_of("here"), late_of("there")),
    ],
)
def test_where_a_leg_goes_on_that_was_left(name: str, came_from: str, goes_on: str) -> None:
    assert goes_on_in(name, came_from, "there") == goes_on
