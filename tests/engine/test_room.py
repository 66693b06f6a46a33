"""What a process takes from queues that it shares, and how many sandboxes it has at once."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from runner.engine.executor import Checkpoint, Executor, Stopped
from runner.engine.room import MOST_LEGS, Room
from runner.store.executors import WATCH
from testing.landing import until

MANY = 20


class Work:
    """Legs that count how many of them are in their sandbox at once; a request hands its run over, a check does not."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.seconds = seconds
        self.executor: Executor | None = None
        self.most: Counter[str] = Counter()
        self.done: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, run: str, leg: int, checkpoint: Checkpoint) -> str:
        with self._counted("legs"):
            if not leg:
                checkpoint("check", self._in_sandbox)
                if run.startswith("submit"):
                    assert self.executor
                    self.executor.hand_over(run, 1)
                else:
                    self.done.append(run)
                return "{}"
            checkpoint("1.trial", self._in_sandbox)
            checkpoint("1.monitor", lambda: time.sleep(self.seconds) or "{}")
            self.done.append(run)
            return "{}"

    def _in_sandbox(self) -> str:
        with self._counted("sandboxes"):
            time.sleep(self.seconds)
            while not self.gate.wait(0.05):
                if self.executor and self.executor.stopping.is_set():
                    time.sleep(1.5)  # longer than it is waited for
                    raise Stopped  # as its process ends
            return "{}"

    def _counted(self, what: str) -> "Counted":
        return Counted(self, what)


class Counted:
    def __init__(self, work: Work, what: str) -> None:
        self.work, self.what = work, what

    def __enter__(self) -> None:
        with self.work._lock:
            self.work._now[self.what] += 1
            self.work.most[self.what] = max(self.work.most[self.what], self.work._now[self.what])

    def __exit__(self, *_: object) -> None:
        with self.work._lock:
            self.work._now[self.what] -= 1


@pytest.mark.parametrize("slots", [1, 3])
def test_many_requests_are_neither_many_threads_nor_many_sandboxes(tmp_path: Path, any_database: str, slots: int) -> None:
    work = Work()
    wanted = [f"{kind}{number}" for number in range(MANY // 2) for kind in ("submit", "check")]
    with Executor(tmp_path / "state", role=WATCH, work=work, queues=("target-a", "repo-a"), slots=slots) as executor:
        work.executor = executor
        before = threading.active_count()
        for run in wanted:
            executor.hand_over(run, 0, "target-a" if run.startswith("submit") else "repo-a")
        threads = 0
        while len(work.done) < len(wanted):
            threads = max(threads, threading.active_count())
            time.sleep(0.05)
            assert executor.begun(wanted[-1], 0) is not None
    assert sorted(work.done) == sorted(wanted)
    assert 1 <= work.most["sandboxes"] <= slots
    assert work.most["legs"] <= (MOST_LEGS + 1) * slots
    assert threads - before <= (MOST_LEGS + 1) * slots + 10, "and what looks into the queues"


def test_a_process_without_room_leaves_requests_to_others(tmp_path: Path, any_database: str) -> None:
    work = Work()
    work.gate.clear()
    with Executor(tmp_path / "state", role=WATCH, work=work, queues=("target-a", "target-b"), slots=2) as executor:
        work.executor = executor
        for number in range(4):
            for queue in ("target-a", "target-b"):
                executor.hand_over(f"check{queue}{number}", 0, queue)
        until(lambda: work.most["sandboxes"] == 2)
        time.sleep(1.5)
        assert work.most["legs"] == 2, "the others lie where another process may take them"
        work.gate.set()
        until(lambda: len(work.done) == 8)


def test_who_is_to_end_takes_nothing_new_and_hands_back_what_did_not_end(tmp_path: Path, any_database: str) -> None:
    work, state = Work(), tmp_path / "state"
    work.gate.clear()
    with Executor(state, role=WATCH, work=work, queues=("target-a",), slots=1) as executor:
        work.executor = executor
        for number in range(3):
            executor.hand_over(f"check{number}", 0, "target-a")
        until(lambda: work.most["sandboxes"] == 1)
        assert not executor.drain(0.2)
    again = Work()
    with Executor(state, role=WATCH, work=again, queues=("target-a",), slots=1) as executor:
        until(lambda: len(again.done) == 3)
        assert executor.drain(0.2)
        executor.hand_over("late", 0, "target-a")
        time.sleep(1)
        assert "late" not in again.done


def test_one_who_takes_no_requests_gives_back_those_of_the_process_before_it(tmp_path: Path, any_database: str) -> None:
    work, state = Work(), tmp_path / "state"
    work.gate.clear()
    with Executor(state, role=WATCH, work=work, queues=("target-a",), slots=1) as executor:
        work.executor = executor
        executor.hand_over("check", 0, "target-a")
        until(lambda: work.most["sandboxes"] == 1)
        executor._hand_back = lambda: None  # type: ignore[method-assign] # as if it was killed
    assert executor._executors._lock is not None
    os.close(executor._executors._lock)
    idle, name = Work(), executor.id
    with Executor(state, role=WATCH, work=idle) as executor:
        assert executor.id == name
        time.sleep(1)
        assert executor.begun("check", 0)
    assert not idle.most
    again = Work()
    with Executor(state, role=WATCH, work=again, queues=("target-a",), slots=1):
        until(lambda: again.done == ["check"])


def test_what_is_early_counts_before_anything_more_is_taken() -> None:
    room, stopping = Room(2), threading.Event()
    assert room.spare() == 2
    with room.leg("a.1", early=True) as first, room.leg("b.2", early=False):
        assert room.spare() == 1
        room.expect(["c.0"])
        assert room.spare() == 0
        with room.leg("c.0", early=True):
            assert room.spare() == 0
        with room.slot(first, stopping) as had:
            assert had
        assert room.spare() == 2, "its sandbox is gone, and it only waits now"
    stopping.set()
    with room.slot(object(), stopping) as had:
        assert not had
    room.close()
    assert room.spare() == 0
