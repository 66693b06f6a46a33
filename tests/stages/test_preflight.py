"""What the gates' answers become, what is charged, and what a gate that breaks costs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.errors import PolicyInvalid, StoreUnavailable, UsageError
from runner.model.result import Cause, Decision, Ending, Outcome, Result, Verdict
from runner.model.run import Gates, PolicyFacts, Run
from runner.ports import Gate, Moment
from runner.stages.outcome import tell
from runner.stages.preflight import preflight
from runner.store.ledger import SqlLedger
from testing.builders import a_change

POLICY: Any = SimpleNamespace(where=lambda key: f"p.yaml:{key}", policy=SimpleNamespace(preflight=SimpleNamespace(one=1, two=2)))


class Counting(Gate):
    """A gate that answers as told and writes down what it was asked for."""

    Options, default = int, 0

    def __init__(self, name: str, answer: Outcome | Exception = Outcome.PASS, *, cause: Cause | None = None) -> None:
        self.name, self._answer, self._cause = name, answer, cause

    def measure(self, run: Run, ports: Any, options: int) -> int:
        return options * 10

    def judge(self, run: Run, facts: int, moment: Moment, options: int) -> Result:
        if isinstance(self._answer, Exception):
            raise self._answer
        retry = 7.0 if self._answer is Outcome.REFUSE else None
        key = f"preflight.{self.name}[0]" if self._answer is Outcome.REFUSE else None
        return Result(check=self.name, outcome=self._answer, cause=self._cause, reason=f"{facts}", policy=key, retry_after=retry)

    def observe(self, run: Run, facts: int, moment: Moment, options: int) -> None:
        moment.append(self.name, "k", "seen")

    def charge(self, run: Run, facts: int, moment: Moment, options: int) -> None:
        moment.append(self.name, "k", "charge", run=run.id)

    def settle(self, run: Run, moment: Moment, options: int) -> None:
        moment.append(self.name, "k", "outcome", run=run.id)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    ledger = SqlLedger(tmp_path / "state")
    yield ledger
    ledger.close()


def a_run(gates: Gates, *results: Result) -> Run:
    policy = PolicyFacts(source="p.yaml", digest="d" * 64)
    return Run(
        id="abc",
        started=datetime(2026, 11, 22, tzinfo=UTC),
        repository="/r",
        policy=policy,
        change=a_change("a.py"),
        gates=gates,
        results=results,
    )


def ports(ledger: Any, *gates: Gate) -> Any:
    return SimpleNamespace(gates=gates, ledger=ledger, progress=SimpleNamespace(stage=lambda _: None))


def kinds(ledger: SqlLedger, gate: str) -> list[str]:
    with ledger.reading() as moment:
        return [entry.kind for entry in moment.entries(gate, "k")]


def test_enforced_gates_that_all_pass_are_charged_once_however_often_they_are_asked(ledger: SqlLedger) -> None:
    world = ports(ledger, Counting("one"), Counting("two"))
    for _ in range(2):
        done = preflight(a_run(Gates.ENFORCE), world, POLICY)
    assert [(r.check, r.outcome, r.reason, r.policy) for r in done.results] == [
        ("one", "pass", "10", "p.yaml:preflight.one"),
        ("two", "pass", "20", "p.yaml:preflight.two"),
    ]
    assert kinds(ledger, "one") == ["seen", "charge", "seen"]


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [(Outcome.REFUSE, None), (Outcome.FAIL, None), (Outcome.UNKNOWN, Cause.INFRASTRUCTURE)],
)
def test_nothing_is_charged_when_any_gate_stops_the_run(outcome: Outcome, cause: Cause | None, ledger: SqlLedger) -> None:
    done = preflight(a_run(Gates.ENFORCE), ports(ledger, Counting("one"), Counting("two", outcome, cause=cause)), POLICY)
    assert [result.outcome for result in done.results] == [Outcome.PASS, outcome]
    assert kinds(ledger, "one") == ["seen"]


def test_a_hold_is_charged_since_the_change_will_be_tried(ledger: SqlLedger) -> None:
    preflight(a_run(Gates.ENFORCE), ports(ledger, Counting("one", Outcome.HOLD)), POLICY)
    assert kinds(ledger, "one") == ["seen", "charge"]


@pytest.mark.parametrize("outcome", [Outcome.REFUSE, Outcome.FAIL, Outcome.HOLD, Outcome.UNKNOWN])
def test_gates_that_inform_warn_of_what_they_would_do_and_charge_nothing(outcome: Outcome, ledger: SqlLedger) -> None:
    done = preflight(a_run(Gates.INFORM), ports(ledger, Counting("one", outcome)), POLICY)
    (answer,) = done.results
    assert (answer.outcome, answer.retry_after) == (Outcome.WARN, None)
    assert answer.reason == ("not known: 10" if outcome is Outcome.UNKNOWN else f"would {outcome}: 10")
    assert kinds(ledger, "one") == ["seen"]


def test_the_key_that_decided_is_named_by_its_line(ledger: SqlLedger) -> None:
    done = preflight(a_run(Gates.ENFORCE), ports(ledger, Counting("one", Outcome.REFUSE)), POLICY)
    assert (done.results[0].policy, done.results[0].retry_after) == ("p.yaml:preflight.one[0]", 7.0)


@pytest.mark.parametrize(("problem", "cause"), [(ValueError("oops\x1b"), Cause.EVIDENCE), (OSError(28, "full"), Cause.INFRASTRUCTURE)])
def test_a_gate_that_breaks_never_reads_as_a_pass(problem: Exception, cause: Cause, ledger: SqlLedger) -> None:
    (answer,) = preflight(a_run(Gates.ENFORCE), ports(ledger, Counting("one", problem)), POLICY).results
    assert (answer.outcome, answer.cause) == (Outcome.UNKNOWN, cause)
    assert "the gate one broke" in answer.reason
    assert "\x1b" not in answer.reason


@pytest.mark.parametrize(("gates", "outcome"), [(Gates.ENFORCE, Outcome.UNKNOWN), (Gates.INFORM, Outcome.WARN)])
@pytest.mark.parametrize("deed", ["observe", "charge"])
def test_a_gate_that_breaks_when_it_keeps_or_charges_never_reads_as_a_pass_nor_ends_the_check(
    deed: str, gates: Gates, outcome: Outcome, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any) -> None:
        raise KeyError(deed)

    broken = Counting("two")
    monkeypatch.setattr(broken, deed, break_down)
    done = preflight(a_run(gates), ports(ledger, Counting("one"), broken), POLICY)
    asked = deed == "observe" or gates is Gates.ENFORCE
    assert [answer.outcome for answer in done.results] == [outcome if asked else Outcome.PASS] * 2
    assert kinds(ledger, "one") == ([] if asked else ["seen"])


@pytest.mark.parametrize("problem", [UsageError("no such commit"), PolicyInvalid("no such key")])
def test_what_the_user_must_mend_ends_the_run_and_is_no_answer_of_a_gate(problem: Exception, ledger: SqlLedger) -> None:
    class Asking(Counting):
        def measure(self, run: Run, ports: Any, options: int) -> int:
            raise problem

    with pytest.raises(type(problem)):
        preflight(a_run(Gates.ENFORCE), ports(ledger, Asking("one")), POLICY)


def test_a_record_that_cannot_be_used_is_unknown_by_infrastructure_for_every_gate() -> None:
    class Gone:
        def writing(self) -> Any:
            raise StoreUnavailable("the disk is full")

    done = preflight(a_run(Gates.ENFORCE), ports(Gone(), Counting("one"), Counting("two")), POLICY)
    assert [(r.outcome, r.cause) for r in done.results] == [(Outcome.UNKNOWN, Cause.INFRASTRUCTURE)] * 2
    assert "the disk is full" in done.results[0].reason


def test_the_answers_stand_before_those_of_other_stages(ledger: SqlLedger) -> None:
    earlier = Result(check="intake", outcome=Outcome.PASS, reason="fine")
    done = preflight(a_run(Gates.INFORM, earlier), ports(ledger, Counting("one")), POLICY)
    assert [result.check for result in done.results] == ["one", "intake"]


@pytest.mark.parametrize(("gates", "expected"), [(Gates.ENFORCE, ["outcome"]), (Gates.INFORM, [])])
def test_the_gates_are_told_of_a_decision_once_and_only_where_they_were_enforced(
    gates: Gates, expected: list[str], ledger: SqlLedger
) -> None:
    decided = a_run(gates).with_(decision=Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="fine"))
    for _ in range(2):
        with ledger.writing() as moment:
            tell(decided, ports(ledger, Counting("one")).gates, POLICY, moment)
    assert kinds(ledger, "one") == expected


def test_the_gates_are_told_nothing_of_a_run_without_a_decision(ledger: SqlLedger) -> None:
    with ledger.writing() as moment:
        tell(a_run(Gates.ENFORCE), ports(ledger, Counting("one")).gates, POLICY, moment)
    assert kinds(ledger, "one") == []


def test_a_gate_that_cannot_count_an_outcome_leaves_the_record_unwritten_and_the_verdict_alone(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any) -> None:
        raise KeyError("generation")

    broken = Counting("one")
    monkeypatch.setattr(broken, "settle", break_down)
    decided = a_run(Gates.ENFORCE).with_(decision=Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="fine"))
    with pytest.raises(StoreUnavailable, match="the gate one broke"), ledger.writing() as moment:
        tell(decided, ports(ledger, broken).gates, POLICY, moment)
