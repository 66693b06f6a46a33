"""The gate: what it answers, and when a machine that was ill is well again."""

import pytest
from moments import GIB, HOST, START, Book, Engine, a_reading, a_sample, facts, options

from runner.gates.health import gate, measure, need, recheck
from runner.gates.health.history import SPACING, keep, recent, trend
from runner.gates.health.kernel import Roots
from runner.gates.health.options import Options
from runner.gates.health.signals import Reading, Sample, Status
from runner.model.result import Cause, Outcome, Result
from runner.store.ledger import SqlLedger
from testing.builders import a_change, a_file

USUAL = Options()
FULL = a_reading(0.01, GIB // 2, "/")
SCARCE = a_reading(0.12, 3 * GIB, "/")
UNREADABLE = Reading(Status.UNREADABLE, why="garbled")


def ask(book: Book, sample: Sample, given: Options = USUAL, needed: int = 0, *, store: bool = True) -> Result:
    found = facts(book, sample, needed)
    answer = gate.judge(None, found, book, given)  # type: ignore[arg-type]
    if store:
        gate.observe(None, found, book, given)  # type: ignore[arg-type]
    return answer


def later(book: Book, seconds: float) -> float:
    """Let time pass; the machine's uptime now."""
    book.now += seconds
    return 5000.0 + book.now - START


def test_the_first_sample_of_a_machine_works_and_says_that_it_is_the_first():
    book = Book()
    first = ask(book, a_sample())
    assert (first.outcome, "first sample" in first.reason) == (Outcome.WARN, True)
    assert ask(book, a_sample(uptime=later(book, 10))).outcome is Outcome.PASS
    assert ask(book, a_sample(uptime=later(book, 3 * 86400))).outcome is Outcome.PASS


def test_a_hard_limit_refuses_with_value_limit_key_and_time():
    book = Book()
    answer = ask(book, a_sample(disk_free=FULL))
    assert answer.outcome is Outcome.REFUSE
    assert answer.retry_after == 300
    assert (answer.measured, answer.limit, answer.policy) == ("512MiB (1%)", "<10% and <1GiB", "preflight.health.disk_free.hard")
    assert answer.reason == "disk free is 512MiB (1%) (/); the hard limit is <10% and <1GiB"


def test_where_nothing_is_wrong_the_signal_nearest_to_its_limit_is_told():
    ask(book := Book(), a_sample())
    usual = ask(book, a_sample(memory_available=a_reading(0.16, 3 * GIB, "host")))
    assert usual.outcome is Outcome.PASS
    assert (usual.measured, usual.limit) == ("3GiB (16%)", "<15% and <2GiB")
    assert usual.policy == "preflight.health.memory_available.soft"
    assert usual.reason.endswith("memory available: 3GiB (16%), the limit is <15% and <2GiB")
    busy = ask(book, a_sample(psi_memory=a_reading(0.3)), options(psi_memory={"soft": "none"}), store=False)
    assert (busy.measured, busy.limit, busy.policy) == ("30%", ">40%", "preflight.health.psi_memory.hard")


def test_a_large_disk_with_a_small_share_free_is_not_refused():
    ask(book := Book(), a_sample())
    later(book, 10)
    assert ask(book, a_sample(disk_free=a_reading(0.02, 40 * GIB, "/"))).outcome is Outcome.PASS


def test_the_tightest_of_several_limits_counts():
    ask(book := Book(), a_sample())
    container = a_reading(0.04, GIB // 10, "cgroup /box").values
    answer = ask(book, a_sample(memory_available=Reading(Status.READ, (*a_reading(0.9, 60 * GIB).values, *container))))
    assert answer.outcome is Outcome.REFUSE
    assert "cgroup /box" in answer.reason


def test_shares_and_sizes_of_different_limits_are_never_mixed():
    """The host has a small share but much; the group has little but nearly all of it."""
    ask(book := Book(), a_sample())
    values = (*a_reading(0.04, 50 * GIB).values, *a_reading(0.9, GIB // 4, "cgroup /box").values)
    assert ask(book, a_sample(memory_available=Reading(Status.READ, values))).outcome is Outcome.PASS


def test_a_soft_limit_warns_or_holds_as_the_policy_says():
    ask(book := Book(), a_sample())
    answer = ask(book, a_sample(disk_free=SCARCE), store=False)
    assert (answer.outcome, answer.policy, answer.retry_after) == (Outcome.WARN, "preflight.health.disk_free.soft", None)
    assert ask(book, a_sample(disk_free=SCARCE), options(advanced={"soft": "hold"}), store=False).outcome is Outcome.HOLD


def test_a_signal_that_cannot_be_read_is_unknown_and_no_pass():
    ask(book := Book(), a_sample())
    answer = ask(book, a_sample(memory_available=UNREADABLE, disk_free=SCARCE))
    assert (answer.outcome, answer.cause) == (Outcome.UNKNOWN, Cause.INFRASTRUCTURE)
    assert "memory available is not known: garbled" in answer.reason
    assert "disk free" in answer.reason
    assert ask(book, a_sample(memory_available=UNREADABLE, disk_free=FULL)).outcome is Outcome.REFUSE


def test_a_signal_that_nobody_read_is_unknown():
    ask(book := Book(), a_sample())
    sample = a_sample()
    rest = {name: reading for name, reading in sample.readings.items() if name != "psi_io"}
    assert ask(book, sample._replace(readings=rest)).outcome is Outcome.UNKNOWN


def test_what_the_machine_does_not_have_and_what_has_no_limit_is_not_judged():
    ask(book := Book(), a_sample())
    absent = Reading(Status.ABSENT)
    assert ask(book, a_sample(psi_io=absent, psi_cpu=absent, psi_memory=absent, inodes_free=absent)).outcome is Outcome.PASS
    assert ask(book, a_sample(cpu=UNREADABLE)).outcome is Outcome.PASS
    assert ask(book, a_sample(cpu=a_reading(1.0))).outcome is Outcome.PASS
    assert ask(book, a_sample(cpu=a_reading(1.0)), options(cpu={"hard": ">99%"}), store=False).outcome is Outcome.REFUSE


def test_a_docker_that_does_not_answer_is_beyond_the_hard_limit():
    ask(book := Book(), a_sample())
    silent = Reading(Status.SILENT, why="Cannot ping the container engine.")
    answer = ask(book, a_sample(docker_ping=silent), store=False)
    assert (answer.outcome, answer.measured) == (Outcome.REFUSE, "does not answer")
    off = options(docker_ping={"soft": "none", "hard": "none"})
    assert ask(book, a_sample(docker_ping=silent), off, store=False).outcome is Outcome.PASS
    soft = ask(book, a_sample(docker_ping=silent), options(docker_ping={"hard": "none"}), store=False)
    assert (soft.outcome, soft.policy) == (Outcome.WARN, "preflight.health.docker_ping.soft")


def test_a_sample_that_waited_too_long_for_its_judgement_is_unknown():
    ask(book := Book(), a_sample())
    old = facts(book, a_sample())
    book.now += 31
    answer = gate.judge(None, old, book, USUAL)  # type: ignore[arg-type]
    assert answer.outcome is Outcome.UNKNOWN
    assert "too old" in answer.reason


def test_recovery_takes_its_time_and_says_how_long():
    book = Book()
    ask(book, a_sample(disk_free=FULL))
    answer = ask(book, a_sample(uptime=later(book, 60)))
    assert (answer.outcome, answer.retry_after) == (Outcome.REFUSE, 240)
    assert "was in breach" in answer.reason
    assert "good again in 4m" in answer.reason
    assert ask(book, a_sample(uptime=later(book, 240))).outcome is Outcome.PASS


def test_of_several_the_one_that_takes_longest_leads_and_says_when_to_come_back():
    book = Book()
    ask(book, a_sample(disk_free=FULL))
    answer = ask(book, a_sample(uptime=later(book, 60), inodes_free=a_reading(0.01)))
    assert (answer.outcome, answer.retry_after, answer.policy) == (Outcome.REFUSE, 300, "preflight.health.inodes_free.hard")
    assert "; disk free was in breach" in answer.reason


def test_the_time_since_a_breach_counts_to_the_judgement_and_not_to_the_sample():
    book = Book()
    ask(book, a_sample(uptime=5000.0, disk_free=FULL))
    book.now += 60
    waited = facts(book, a_sample(uptime=5060.0))
    book.now += 20
    assert gate.judge(None, waited, book, USUAL).retry_after == 220  # type: ignore[arg-type]


def test_a_breach_between_two_samples_that_are_kept_is_remembered():
    book = Book()
    ask(book, a_sample())
    ask(book, a_sample(uptime=later(book, 1), disk_free=FULL))
    assert ask(book, a_sample(uptime=later(book, 1))).outcome is Outcome.REFUSE


@pytest.mark.parametrize("step", [-3600.0, -30.0, 0.0, 30.0])
def test_a_step_of_the_clock_neither_shortens_nor_lengthens_a_recovery(step):
    """The machine's own uptime tells how much time has passed."""
    book = Book()
    ask(book, a_sample(uptime=5000.0, disk_free=FULL))
    book.now += 60 + step
    assert ask(book, a_sample(uptime=5060.0), store=False).retry_after == 240
    book.now += 240
    assert ask(book, a_sample(uptime=5300.0), store=False).outcome is Outcome.PASS


def test_after_a_reboot_the_ledgers_clock_tells():
    book = Book()
    ask(book, a_sample(boot="one", uptime=99_000.0, disk_free=FULL))
    book.now += 100
    assert ask(book, a_sample(boot="two", uptime=20.0)).retry_after == 200


def test_a_breach_must_last_as_long_as_its_signal_is_held():
    given = options(disk_free={"hold": "60s"})
    book = Book()
    ask(book, a_sample(), given)
    outcomes = [ask(book, a_sample(uptime=later(book, 20), disk_free=FULL), given).outcome for _ in range(4)]
    assert outcomes == [Outcome.PASS, Outcome.PASS, Outcome.PASS, Outcome.REFUSE]


def test_what_a_change_needs_is_set_against_what_is_free():
    ask(book := Book(), a_sample())
    tight = a_sample(disk_free=a_reading(0.5, 10 * GIB, "/"))
    assert ask(book, tight, needed=4 * GIB, store=False).outcome is Outcome.PASS
    assert ask(book, tight, needed=6 * GIB, store=False).outcome is Outcome.WARN
    answer = ask(book, tight, needed=11 * GIB)
    assert (answer.outcome, answer.measured, answer.policy) == (Outcome.REFUSE, "138%", "preflight.health.room.hard"), "of 8GiB of memory"
    assert "this change needs 138% of what is free at memory of the host" in answer.reason
    assert ask(book, tight, needed=0).outcome is Outcome.PASS, "another change does not wait for this one's size"
    assert need(a_change(a_file("a").model_copy(update={"new_size": 10}), a_file("b").model_copy(update={"new_size": 5}))) == 30


def fill(book: Book, pace: float, *, minutes: int = 60, noise: float = 0.0, outlier: bool = False) -> Sample:
    """A disk of 100GiB that loses `pace` bytes a second; the sample after."""
    for minute in range(0, minutes, 2):
        left = 60 * GIB - pace * minute * 60 + noise * (-1) ** (minute // 2)
        size = GIB if outlier and minute == 30 else left
        keep(book, HOST, a_sample(uptime=later(book, 120), disk_free=a_reading(size / (100 * GIB), size, "/")), USUAL)
    size = 60 * GIB - pace * minutes * 60
    return a_sample(uptime=later(book, 120), disk_free=a_reading(size / (100 * GIB), size, "/"))


def test_a_disk_that_will_surely_be_full_within_the_horizon_is_a_warning():
    book = Book()
    answer = ask(book, fill(book, 5e6))
    assert (answer.outcome, answer.policy) == (Outcome.WARN, "preflight.health.advanced.forecast.horizon")
    assert "reaches the hard limit <10% and <1GiB in ~3 hours" in answer.reason


@pytest.mark.parametrize("case", [{"pace": 1e5}, {"pace": 0.0, "outlier": True}, {"pace": 1e5, "noise": 5e9}, {"pace": 5e6, "minutes": 10}])
def test_a_disk_that_fills_slowly_or_only_perhaps_is_none(case):
    book = Book()
    sample = fill(book, **case)
    later(book, 300)
    assert ask(book, sample).outcome is Outcome.PASS


def test_a_flood_of_runs_keeps_few_samples_and_forgets_old_ones():
    book = Book()
    for _ in range(1000):
        ask(book, a_sample(uptime=later(book, 0.1)))
    assert len(recent(book, HOST, 1e6)) <= 100 / SPACING + 2
    assert len(trend(book, HOST, 1e6)) == 1
    ask(book, a_sample(uptime=later(book, 8 * 86400)))
    assert len(recent(book, HOST, 1e9)) == 1
    assert len(trend(book, HOST, 1e9)) == 1
    assert ask(book, a_sample()).outcome is Outcome.PASS


def test_samples_of_hosts_that_are_gone_are_forgotten_by_those_that_are_not():
    book = Book()
    keep(book, "gone", a_sample(), USUAL)
    later(book, 8 * 86400)
    keep(book, HOST, a_sample(), USUAL)
    assert not any(key.startswith("gone") for key in book.keys("health"))


def test_a_row_that_is_no_sample_is_passed_over():
    book = Book()
    ask(book, a_sample())
    book.append("health", HOST, "sample", body={"boot": ["x"], "read": 5})
    assert ask(book, a_sample(uptime=later(book, 10))).outcome is Outcome.PASS


def test_the_gate_works_on_this_machine_with_a_real_store(tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    ledger = SqlLedger(state)
    outcomes = []
    for _ in range(2):
        found = measure(ledger, Engine(), {"state": state}, options(advanced={"soft": "warn"}), Roots())  # type: ignore[arg-type]
        with ledger.writing() as moment:
            outcomes.append(gate.judge(None, found, moment, USUAL))  # type: ignore[arg-type]
            gate.observe(None, found, moment, USUAL)  # type: ignore[arg-type]
    ledger.close()
    assert outcomes[0].outcome in (Outcome.WARN, Outcome.REFUSE)
    assert "first sample" not in outcomes[1].reason
    assert {one.outcome for one in outcomes} <= {Outcome.PASS, Outcome.WARN, Outcome.REFUSE}, outcomes


def test_a_look_right_before_promoting_takes_a_fresh_sample_and_keeps_it(tmp_path):
    class Ported:
        ledger = Book()
        sandbox = Engine(None)
        folders = {"state": tmp_path}

    class Judged:
        change = a_change("a.py")

    answer = recheck(Judged(), Ported(), USUAL)  # type: ignore[arg-type]
    assert (answer.outcome, answer.measured) == (Outcome.REFUSE, "does not answer")
    assert Ported.ledger.log
