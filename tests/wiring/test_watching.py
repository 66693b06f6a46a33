"""A watch with real probes: what a person's word, the deadline and the readings come to."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.model.promotion import Promotion
from runner.model.run import Course, PolicyFacts, Run
from runner.policy.load import Loaded, load_text
from runner.ports import Watched
from runner.wiring.watching import baseline, watched
from testing.builders import a_change

PROBE = {"name": "well", "interval": "10ms", "command": ["true"]}


def a_policy(**monitor: Any) -> Loaded:
    usual = {"probes": [PROBE], "confirm_after": "50ms", "deadline": "30s"}
    return load_text(json.dumps({"seatrial": 1, "monitor": {**usual, **monitor}}).encode(), "p.yaml")


class Clock:
    """The database's clock, as the test sets it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead


def watch(policy: Loaded, wish: Callable[[], str] = str, clock: Clock | None = None, said: list[str] | None = None) -> Watched:
    run = Run(
        id="r1",
        started=datetime(2026, 11, 22, tzinfo=UTC),
        repository="/r",
        policy=PolicyFacts(source="p", digest="d" * 64),
        change=a_change("a.py"),
    )
    clock = clock or Clock()
    deadline = clock.now() + policy.policy.monitor.deadline
    promotion = Promotion(run="r1", target="dir:/x", before="b" * 40, after="a" * 40, base="1" * 40, deadline=deadline)
    told = said if said is not None else []
    ports: Any = SimpleNamespace(progress=SimpleNamespace(probe=lambda name, text: told.append(f"{name} {text}")))
    return watched(run, promotion, ports, policy, clock, wish)  # type: ignore[arg-type]


def test_a_probe_that_passes_often_enough_confirms_and_each_reading_is_told() -> None:
    said: list[str] = []
    done = watch(a_policy(), said=said)
    assert (done.course, [(result.check, result.outcome) for result in done.results]) == (Course.CONFIRM, [("probe:well", "pass")])
    assert said[0].startswith("well pass: exited with 0")
    assert "(1 passed, 0 failed" in said[0]


def test_a_probe_that_fails_takes_back() -> None:
    done = watch(a_policy(probes=[{**PROBE, "command": ["false"]}]))
    assert (done.course, done.results[0].outcome) == (Course.TAKE_BACK, "fail")


@pytest.mark.parametrize(
    ("wish", "course"),
    [("confirm", "confirm"), ("rollback", "take_back"), ("cancel", "take_back"), ("deny", "take_back"), ("expire", "take_back")],
)
def test_a_persons_word_ends_the_watch_at_once(wish: str, course: str) -> None:
    began = time.monotonic()
    done = watch(a_policy(probes=[], deadline="1h"), lambda: wish)
    assert done.course == course
    assert done.reason
    assert time.monotonic() - began < 60
    later = iter(["", "", ""])
    assert watch(a_policy(probes=[], deadline="1h"), lambda: next(later, wish)).course == course


def test_an_unknown_word_takes_back() -> None:
    assert watch(a_policy(probes=[], deadline="1h"), lambda: "what?").course is Course.TAKE_BACK


def test_the_deadline_confirms_nothing() -> None:
    done = watch(a_policy(probes=[], deadline="1s", confirm_after="500ms"))
    assert done.course is Course.UNDECIDED


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_clock_that_jumps_ends_the_watch_undecided_at_the_latest_at_its_own_deadline(ahead: float) -> None:
    clock = Clock()

    def jump() -> str:
        clock.ahead = ahead
        return ""

    began = time.monotonic()
    done = watch(a_policy(probes=[], deadline="60s" if ahead > 0 else "2s", confirm_after="500ms"), jump, clock)
    assert done.course is Course.UNDECIDED
    assert time.monotonic() - began < 50


def test_what_a_person_said_counts_after_the_deadline_too() -> None:
    clock = Clock()
    policy = a_policy(probes=[], deadline="1s", confirm_after="500ms", on_undecided="hold")
    clock.ahead = 100
    assert watch(policy, lambda: "confirm", clock).course is Course.CONFIRM


def test_only_timed_probes_are_measured_before_and_only_where_they_are_compared(tmp_path: Path) -> None:
    assert baseline(a_policy()) == {}
