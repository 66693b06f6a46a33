"""The known traps of circuit breakers, each by its name."""

from collections.abc import Callable

import pytest

from runner.gates.breaker.log import GATE, Log
from runner.gates.breaker.options import Options
from runner.model.keys import key_of
from runner.model.result import Ending
from runner.ports import Moment
from runner.store.audit import AuditLog
from testing.ledgers import START, ClockedLedger, Gatekeeper, a_gated_run

Door = Callable[..., Gatekeeper]
STRICT = {"consecutive": 2, "failure_rate": "0%", "wait": "10m"}
KEY = key_of("author", "git:/srv/app", "")


def opened(keeper: Gatekeeper) -> Gatekeeper:
    """Two changes of nobody in particular were rejected."""
    for name in ("bad1", "bad2"):
        run = a_gated_run(name)
        assert keeper.enter(run).outcome == "pass"
        keeper.leave(run, Ending.REJECTED)
    return keeper


def half_open(keeper: Gatekeeper, ledger: ClockedLedger, probe: str = "probe") -> Gatekeeper:
    opened(keeper)
    ledger.now += 600
    assert keeper.enter(a_gated_run(probe)).outcome == "pass"
    return keeper


def state_of(ledger: ClockedLedger, key: str = KEY) -> str:
    with ledger.reading() as moment:
        return Log(moment, key).seen(Options().author).status.value


def counted(ledger: ClockedLedger) -> tuple[int, int]:
    """Failures in the author's window, and outcomes."""
    with ledger.reading() as moment:
        state = Log(moment, KEY).state
    return state.failed, len(state.window)


def test_a_lost_permit_does_not_leave_it_half_open_for_ever(door: Door, ledger: ClockedLedger) -> None:
    keeper = half_open(door(author={**STRICT, "advanced": {"lease": "30m", "max_duration": "5h"}}), ledger)
    refused = keeper.enter(a_gated_run("next"))
    assert (refused.outcome, refused.retry_after, refused.policy) == ("refuse", 1800, "preflight.breaker.author")
    ledger.now += 1799
    assert keeper.ask(a_gated_run("next")).outcome == "refuse"
    ledger.now += 1
    assert keeper.enter(a_gated_run("next")).outcome == "pass"


def test_probes_that_never_answer_open_it_again_without_a_longer_wait(door: Door, ledger: ClockedLedger) -> None:
    keeper = half_open(door(author={**STRICT, "advanced": {"lease": "30m", "max_duration": "1h"}}), ledger)
    ledger.now += 3600
    refused = keeper.ask(a_gated_run("next"))
    assert (refused.outcome, refused.retry_after) == ("refuse", 600)
    ledger.now += 600
    assert keeper.enter(a_gated_run("next")).outcome == "pass"
    keeper.leave(a_gated_run("next"), Ending.ACCEPTED)
    assert state_of(ledger) == "closed"


def test_a_late_result_of_an_older_generation_is_recorded_and_not_counted(door: Door, ledger: ClockedLedger) -> None:
    keeper = door(author=STRICT)
    late = a_gated_run("late")
    keeper.enter(late)
    half_open(keeper, ledger)
    keeper.leave(late, Ending.ACCEPTED)
    assert state_of(ledger) == "half-open"
    with ledger.reading() as moment:
        assert moment.find(GATE, KEY, "ended", "late") is not None
    keeper.leave(a_gated_run("probe"), Ending.ACCEPTED)
    assert state_of(ledger) == "closed"


@pytest.mark.parametrize("ending", [None, Ending.CANCELLED, Ending.FAILED, Ending.REFUSED])
def test_a_result_that_says_nothing_gives_its_permit_back(door: Door, ledger: ClockedLedger, ending: Ending | None) -> None:
    keeper = half_open(door(author=STRICT), ledger)
    assert keeper.ask(a_gated_run("next")).outcome == "refuse"
    keeper.leave(a_gated_run("probe"), ending)
    assert state_of(ledger) == "half-open"
    assert keeper.ask(a_gated_run("next")).outcome == "pass"


def test_a_held_probe_that_goes_on_gets_a_permit_again_and_its_ending_counts(door: Door, ledger: ClockedLedger) -> None:
    keeper = half_open(door(author=STRICT), ledger)
    probe = a_gated_run("probe")
    keeper.leave(probe, None)
    assert keeper.enter(probe).outcome == "pass"
    assert keeper.ask(a_gated_run("next")).outcome == "refuse"
    keeper.leave(probe, Ending.ACCEPTED)
    assert state_of(ledger) == "closed"


def test_a_second_result_of_a_run_counts_nothing(door: Door, ledger: ClockedLedger) -> None:
    keeper = door(author=STRICT)
    run = a_gated_run("bad1")
    keeper.enter(run)
    for _ in range(3):
        keeper.leave(run, Ending.REJECTED)
    assert counted(ledger) == (1, 1)


def test_a_run_that_was_never_let_in_counts_nothing(door: Door, ledger: ClockedLedger) -> None:
    keeper = door(author=STRICT)
    keeper.leave(a_gated_run("stranger"), Ending.REJECTED)
    assert counted(ledger) == (0, 0)


def test_a_probe_that_asks_again_has_its_permit(door: Door, ledger: ClockedLedger) -> None:
    keeper = half_open(door(author=STRICT), ledger)
    assert keeper.enter(a_gated_run("probe")).outcome == "pass"
    assert keeper.ask(a_gated_run("next")).outcome == "refuse"


def test_an_open_breaker_is_open_for_whoever_opens_the_file_next(door: Door, ledger: ClockedLedger) -> None:
    keeper = opened(door(author=STRICT))
    ledger.close()
    refused = keeper.ask(a_gated_run("next"))
    assert (refused.outcome, refused.retry_after) == ("refuse", 600)
    assert "2 failed in a row" in refused.reason


def test_a_failed_probe_makes_the_wait_grow_up_to_its_cap(door: Door, ledger: ClockedLedger) -> None:
    keeper = opened(door(author={**STRICT, "advanced": {"max_wait": "30m"}}))
    waits = []
    for number in range(4):
        waits.append(keeper.ask(a_gated_run("x")).retry_after)
        ledger.now += waits[-1]
        assert keeper.enter(a_gated_run(f"probe{number}")).outcome == "pass"
        keeper.leave(a_gated_run(f"probe{number}"), Ending.REJECTED)
    assert waits == [600, 1200, 1800, 1800]


def test_jitter_is_bounded_and_the_same_in_every_fold(door: Door, ledger: ClockedLedger) -> None:
    keeper = opened(door(author={**STRICT, "advanced": {"jitter": "10%"}}))
    first = keeper.ask(a_gated_run("next")).retry_after
    assert first is not None
    assert 540 <= first <= 660
    assert first != 600
    ledger.close()
    assert keeper.ask(a_gated_run("next")).retry_after == first


def test_every_change_of_state_is_in_the_audit_log(door: Door, ledger: ClockedLedger) -> None:
    keeper = half_open(door(author=STRICT), ledger)
    keeper.leave(a_gated_run("probe"), Ending.ACCEPTED)
    with ledger.writing() as moment:
        forced(moment, "disabled")
        Log(moment, KEY).write("reset", {"reason": "fixed", "who": "alice"})
    found = AuditLog(ledger._state).newest(10)
    assert [(entry.kind, entry.body["from"], entry.body["to"]) for entry in reversed(found)] == [
        ("breaker.opened", "closed", "open"),
        ("breaker.half-opened", "open", "half-open"),
        ("breaker.closed", "half-open", "closed"),
        ("breaker.disabled", "closed", "disabled"),
        ("breaker.reset", "disabled", "closed"),
    ]
    assert {entry.subject for entry in found} == {"author git:/srv/app (unidentified)"}
    assert (found[0].body["who"], found[0].body["reason"]) == ("alice", "fixed")
    assert (found[1].body["who"], found[1].body["until"]) == ("alice", None)


def test_the_clock_of_the_window_is_half_open(door: Door, ledger: ClockedLedger) -> None:
    options = {"failure_rate": "50%", "advanced": {"window": "10m", "minimum_calls": 2}}
    keeper = door(author=options)
    for name, after in (("bad1", 0.0), ("bad2", 600.0), ("bad3", 599.0)):
        ledger.now += after
        keeper.enter(a_gated_run(name))
        keeper.leave(a_gated_run(name), Ending.REJECTED)
        if name == "bad2":
            assert keeper.ask(a_gated_run("next")).outcome == "pass"
    assert keeper.ask(a_gated_run("next")).outcome == "refuse"


def forced(moment: Moment, state: str, until: float | None = None) -> None:
    Log(moment, KEY).write("forced", {"state": state, "reason": "maintenance", "who": "alice", "until": until})


def test_what_was_forced_open_refuses_until_it_expires(door: Door, ledger: ClockedLedger) -> None:
    keeper = door(author=STRICT)
    before = a_gated_run("before")
    keeper.enter(before)
    with ledger.writing() as moment:
        forced(moment, "open", START + 7200)
    refused = keeper.enter(a_gated_run("next"))
    assert (refused.outcome, refused.retry_after) == ("refuse", 7200)
    assert "opened by alice: maintenance" in refused.reason
    ledger.now += 7200
    assert keeper.enter(a_gated_run("next")).outcome == "pass"
    keeper.leave(before, Ending.REJECTED)
    assert counted(ledger) == (0, 0), "it was let in before the breaker was forced"


def test_a_disabled_breaker_lets_in_says_so_and_counts_nothing(door: Door, ledger: ClockedLedger) -> None:
    keeper = opened(door(author=STRICT))
    with ledger.writing() as moment:
        forced(moment, "disabled")
    answer = keeper.enter(a_gated_run("next"))
    assert (answer.outcome, "disabled by alice" in answer.reason) == ("warn", True)
    keeper.leave(a_gated_run("next"), Ending.REJECTED)
    assert counted(ledger) == (2, 2)


def test_a_reset_closes_it_and_keeps_the_history(door: Door, ledger: ClockedLedger) -> None:
    keeper = opened(door(author=STRICT))
    with ledger.reading() as moment:
        before = moment.entries(GATE, KEY)
    with ledger.writing() as moment:
        Log(moment, KEY).write("reset", {"reason": "fixed", "who": "alice"})
    assert keeper.ask(a_gated_run("next")).outcome == "pass"
    with ledger.reading() as moment:
        after = moment.entries(GATE, KEY)
    assert after[: len(before)] == before
    assert [entry.kind for entry in after[len(before) :]] == ["reset"]


def test_a_policy_that_changes_is_written_down_before_what_it_judges(door: Door, ledger: ClockedLedger) -> None:
    keeper = door(author=STRICT)
    keeper.enter(a_gated_run("bad1"))
    keeper.leave(a_gated_run("bad1"), Ending.REJECTED)
    stricter = door(author={**STRICT, "consecutive": 1})
    assert stricter.ask(a_gated_run("next")).outcome == "pass", "a policy opens nothing by itself"
    stricter.enter(a_gated_run("bad2"))
    stricter.leave(a_gated_run("bad2"), Ending.REJECTED)
    assert stricter.ask(a_gated_run("next")).outcome == "refuse"
    with ledger.reading() as moment:
        assert [entry.kind for entry in moment.entries(GATE, KEY)] == ["options", "admitted", "ended", "options", "admitted", "ended"]
