"""Whoever looks after runs goes on, whatever breaks for one of them."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import runner.wiring.serving
import runner.wiring.watcher
from runner.engine.executor import Executor
from runner.errors import StoreUnavailable, UsageError
from runner.model.change import Change
from runner.model.request import Asked
from runner.model.result import Decision, Verdict
from runner.model.run import Command, PolicyFacts, Run
from runner.model.submission import Submission
from runner.policy.stored import stored
from runner.store.executors import WATCH
from runner.store.places import Places
from runner.wiring.carrying import Stores, stores
from runner.wiring.keeper import Keeper
from runner.wiring.process import Carrying
from runner.wiring.serving import Service
from testing.havens import a_policy
from testing.landing import until

SILENT = SimpleNamespace(note=lambda said: None)
HELD = Decision(verdict=Verdict.HOLD, ending=None, reason="look")


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return Places(tmp_path / "cache", tmp_path / "state")


@pytest.fixture
def kept(where: Places) -> Iterator[Stores]:
    with stores(where) as opened:
        yield opened


def filed(kept: Stores, run: str) -> Run:
    change = Change(
        base_commit="c" * 40, base_tree="b" * 40, tree="t" * 40, patch_id="p" * 40, source="x.diff", kind="diff", base_label="main"
    )
    made = Run(
        id=run,
        started=datetime(2026, 11, 22, tzinfo=UTC),
        repository="/somewhere",
        policy=PolicyFacts(source="p.yaml", digest="d" * 64),
        change=change,
        target=f"dir:/srv/{run}",
        command=Command.SUBMIT,
    )
    kept.submissions.file(Submission(run=made, policy=stored(a_policy()), target=made.target))
    return made


def expired(kept: Stores, run: str) -> None:
    held = filed(kept, run).with_(decision=HELD)
    kept.submissions.hold(held, -1.0)
    kept.runs.finish(held, "{}", {})


class Hands:
    """An executor that takes what it is given, and breaks where it is told to."""

    def __init__(self, *breaks: str) -> None:
        self.breaks = breaks
        self.taken: list[tuple[str, int]] = []

    def carry(self, run: str, leg: int, *_: object, **__: object) -> None:
        if run in self.breaks:
            raise KeyError(run)
        self.taken.append((run, leg))

    hand_over = carry

    def reap(self) -> tuple[str, ...]:
        if "reap" in self.breaks:
            raise KeyError("reap")
        return ()

    def begun(self, run: str, leg: int) -> bool | None:
        if f"{run}.{leg}" in self.breaks:
            raise KeyError(run)
        return True if (run, leg) in self.taken else None

    def wait(self, run: str, leg: int, timeout: float) -> str:
        raise TimeoutError(f"{run}.{leg} {timeout}")


def a_keeper(executor: Any, where: Places) -> Keeper:
    return Keeper(executor, where, lambda run: SILENT)  # type: ignore[arg-type,return-value]


def test_what_breaks_for_one_run_keeps_nobody_from_the_others(kept: Stores, where: Places, caplog: pytest.LogCaptureFixture) -> None:
    expired(kept, "a" * 12)
    expired(kept, "b" * 12)
    filed(kept, "c" * 12)
    kept.requests.queue(Asked(run="d" * 12, command=Command.SUBMIT, repo="", target="main", change=b"x", author="ci"), by="t1")
    hands = Hands("a" * 12, "reap", "b" * 12 + ".2")
    keeper = a_keeper(hands, where)
    keeper._found = dict.fromkeys(("c" * 12, "d" * 12), time.monotonic() - 60)  # they have lain there for a while
    assert set(keeper.look(kept, everything=True)) == {"b" * 12, "c" * 12}
    assert hands.taken == [("b" * 12, 2), ("c" * 12, 1), ("d" * 12, 0)]
    said = [record.getMessage() for record in caplog.records if record.exc_info]
    assert said == [f"{what} could not be looked after" for what in ("a" * 12, "what the dead left", "b" * 12)]
    keeper.look(kept, everything=True)
    assert len([record for record in caplog.records if record.exc_info]) == len(said), "not each second"


def test_a_request_that_nobody_could_read_ends(kept: Stores, where: Places) -> None:
    run = "a" * 12
    kept.requests.queue(Asked(run=run, command=Command.SUBMIT, repo="", target="main", change=b"x", author="ci"), by="t1")
    with Executor(where.state, role=WATCH, work=lambda *_: "{}", queues=("target-main",), slots=1) as executor:
        keeper = a_keeper(executor, where)
        executor.hand_over(run, 0, "target-main")
        until(lambda: executor.begun(run, 0) is False)
        keeper.look(kept, everything=True)
    record = kept.runs.show(run)
    assert (record.state, record.ending) == ("ended", "failed")
    assert "whoever read it broke" in record.reason
    assert kept.requests.waiting() == ()


def test_a_request_that_breaks_after_it_was_seen_in_a_queue_ends(kept: Stores, where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    run, broke = "a" * 12, threading.Event()
    kept.requests.queue(Asked(run=run, command=Command.SUBMIT, repo="", target="main", change=b"x", author="ci"), by="t1")
    keeper = a_keeper(SimpleNamespace(reap=tuple, begun=lambda *_: not broke.is_set()), where)
    keeper.look(kept, everything=True)
    broke.set()
    keeper.look(kept, everything=True)
    assert kept.requests.waiting() == (run,), "it is not asked for each second"
    monkeypatch.setattr("runner.wiring.keeper.time", SimpleNamespace(monotonic=lambda: time.monotonic() + 60))
    keeper.look(kept, everything=True)
    assert kept.runs.show(run).ending == "failed"


# ── its turns ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_server_cannot_remove_keeps_it_from_no_run(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def broken() -> None:
        raise KeyError("old")

    def gone() -> None:
        raise StoreUnavailable("gone")

    olds = {"events": broken, "replies": gone, "deliveries": lambda: done.append("pruned")}
    service = SimpleNamespace(look=lambda: done.append("looked"), **{name: SimpleNamespace(prune=prune) for name, prune in olds.items()})
    turn = runner.wiring.serving._Turn(service)  # type: ignore[arg-type]
    turn()
    turn()
    assert done == ["pruned", "looked", "looked"]
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["what is old could not be removed"]


def test_a_watcher_says_what_it_took_over_and_what_became_of_it(where: Places, kept: Stores) -> None:
    run, said, looks, going = "a" * 12, list[str](), iter([("a" * 12,), ()]), iter([True, False])
    executor = SimpleNamespace(begun=lambda *_: next(going), busy=lambda: False)
    process = SimpleNamespace(executor=executor, where=where, keeper=SimpleNamespace(look=lambda *_, **__: next(looks)))
    turn = runner.wiring.watcher._Turn(process, SimpleNamespace(note=said.append))  # type: ignore[arg-type]
    held = filed(kept, run).with_(decision=HELD)
    assert turn(), "the run goes on"
    kept.submissions.keep(held, "trial")
    kept.runs.finish(held, "{}", {})
    assert not turn(), "nothing is left"
    assert said == [f"run {run}: taken over", f"run {run}: held: look"]


# ── what is asked of a server ───────────────────────────────────────────────────────────────────────────────────────────


def test_who_cancels_what_begins_at_that_moment_is_heard_by_its_run(kept: Stores, where: Places) -> None:
    run, gone_on = "a" * 12, []
    kept.requests.queue(Asked(run=run, command=Command.SUBMIT, repo="", target="main", change=b"x", author="ci"), by="t1")
    real = kept.requests.cancel

    def slow(*given: Any, **named: Any) -> bool:
        filed(kept, run)  # a worker is faster
        return real(*given, **named)

    requests = SimpleNamespace(cancel=slow, wish=kept.requests.wish)
    process = SimpleNamespace(where=where, go_on=lambda *given, **named: gone_on.append((given, named)))
    service = Service(SimpleNamespace(), process, kept._replace(requests=requests))  # type: ignore[arg-type]
    service.ask(run, "cancel", "anne", "no need")
    service.close()
    assert kept.submissions.wished(run) == "cancel"
    assert gone_on == [((run,), {"wish": "cancel", "was": None})]


def test_who_cancels_what_waits_ends_it(kept: Stores, where: Places) -> None:
    run = "a" * 12
    kept.requests.queue(Asked(run=run, command=Command.SUBMIT, repo="", target="main", change=b"x", author="ci"), by="t1")
    service = Service(SimpleNamespace(), SimpleNamespace(where=where), kept)  # type: ignore[arg-type]
    service.ask(run, "cancel", "anne", "no need")
    with pytest.raises(UsageError):
        service.ask(run, "cancel", "anne", "again")
    service.close()
    assert kept.runs.show(run).ending == "cancelled"


def test_a_restore_waits_for_no_room(kept: Stores, where: Places) -> None:
    handed: list[tuple[str, int, bool]] = []
    executor = SimpleNamespace(carry=lambda run, leg, *, late: handed.append((run, leg, late)))
    process = Carrying(executor, None, where, lambda run: SILENT, None)  # type: ignore[arg-type,return-value]
    service = Service(SimpleNamespace(), process, kept)  # type: ignore[arg-type]
    for number, command in enumerate((Command.SUBMIT, Command.RESTORE)):
        made = filed(kept, f"{number}" * 12).with_(id=f"{number + 2}" * 12, command=command, target=f"dir:/{number}")
        service.set_out(Submission(run=made, policy=stored(a_policy()), target=made.target))
    service.close()
    assert handed == [("2" * 12, 1, False), ("3" * 12, 1, True)]
