"""The straight line: which checks must answer, and what a refusal inside a stage becomes."""

from datetime import UTC, datetime
from threading import Event
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest

from runner import pipeline
from runner.errors import ChangeRefused
from runner.model.result import Cause, Ending, Outcome, Result, Verdict
from runner.model.run import Gates, PolicyFacts, Run
from runner.trial import judge
from testing.builders import a_change

PORTS: Any = SimpleNamespace(
    validators=(SimpleNamespace(name="intake"), SimpleNamespace(name="paths")), gates=(SimpleNamespace(name="rate"),), monotonic=lambda: 1.0
)
POLICY: Any = SimpleNamespace(where=lambda key: f"p.yaml:{key}")
NAMES = ("intake", "paths", "load", "base", "tests", "inventory", "origin", "channels", "own-tests", "examples", "isolation", "controls")


def a_run(*results: Result) -> Run:
    policy = PolicyFacts(source="p.yaml", digest="d" * 64)
    return Run(id="a", started=datetime(2026, 11, 22, tzinfo=UTC), repository="/r", policy=policy, change=a_change("a.py"), results=results)


def passed(*names: str) -> tuple[Result, ...]:
    return tuple(Result(check=name, outcome=Outcome.PASS, reason="fine") for name in names)


def test_every_layer_and_every_check_of_the_trial_is_required() -> None:
    assert pipeline.required(PORTS, Gates.INFORM) == NAMES


def test_gates_are_required_where_they_are_enforced() -> None:
    assert pipeline.required(PORTS, Gates.ENFORCE) == ("rate", *NAMES)


@pytest.mark.parametrize(("gates", "verdict"), [(Gates.INFORM, Verdict.ACCEPT), (Gates.ENFORCE, Verdict.HOLD)])
def test_an_enforced_gate_that_never_answered_holds(gates: Gates, verdict: Verdict) -> None:
    decision = pipeline.carry(a_run(*passed(*NAMES)).with_(gates=gates), PORTS, POLICY, ()).decision
    assert decision is not None
    assert decision.verdict is verdict


@pytest.mark.parametrize("absent", NAMES)
def test_a_check_without_an_answer_holds(absent: str) -> None:
    decision = pipeline.decide(a_run(*passed(*(name for name in NAMES if name != absent))), NAMES).decision
    assert decision is not None
    assert (decision.verdict, decision.ending, decision.reason) == (Verdict.HOLD, None, f"no answer from: {absent}")


@pytest.mark.parametrize(
    ("outcome", "cause", "verdict", "ending"),
    [
        (Outcome.PASS, None, Verdict.ACCEPT, Ending.ACCEPTED),
        (Outcome.WARN, None, Verdict.ACCEPT, Ending.ACCEPTED),
        (Outcome.HOLD, None, Verdict.HOLD, None),
        (Outcome.UNKNOWN, Cause.EVIDENCE, Verdict.HOLD, None),
        (Outcome.UNKNOWN, Cause.INFRASTRUCTURE, None, Ending.FAILED),
        (Outcome.FAIL, None, Verdict.REJECT, Ending.REJECTED),
        (Outcome.REFUSE, None, None, Ending.REFUSED),
    ],
)
def test_one_answer_among_passes_decides(outcome: Outcome, cause: Cause | None, verdict: Verdict | None, ending: Ending | None) -> None:
    odd = Result(check="examples", outcome=outcome, cause=cause, reason="the odd one")
    rest = passed(*(name for name in NAMES if name != "examples"))
    decision = pipeline.decide(a_run(*rest, odd), NAMES).decision
    assert decision is not None
    assert (decision.verdict, decision.ending) == (verdict, ending)
    assert ("the odd one" in decision.reason) is (outcome is not Outcome.PASS)


def test_of_two_warnings_that_of_a_gate_is_the_lesser() -> None:
    rate, tests = (Result(check=name, outcome=Outcome.WARN, reason=name) for name in ("rate", "tests"))
    rest = passed(*(name for name in NAMES if name != "tests"))
    for results, told in (((rate, *rest, tests), "tests"), ((rate, *rest, *passed("tests")), "rate")):
        decision = pipeline.decide(a_run(*results), NAMES, minor=frozenset({"rate"})).decision
        assert decision is not None
        assert decision.reason == f"every check passed; worth knowing: {told}"


def test_where_the_base_is_no_measure_the_reason_is_what_it_lacks_and_not_what_follows() -> None:
    lacking = Result(check=judge.BASE, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason="no module yaml")
    rest = passed(*(name for name in NAMES if name not in ("load", judge.BASE)))
    decision = pipeline.decide(a_run(judge.no_measure("load"), *rest, lacking), NAMES).decision
    assert decision is not None
    assert (decision.verdict, decision.reason) == (Verdict.HOLD, "no module yaml")


def test_the_stages_come_in_order_and_each_has_its_time() -> None:
    def first(run: Run, _ports: Any, _policy: Any) -> Run:
        return run.with_(results=passed(*NAMES[:2]))

    def second(run: Run, _ports: Any, _policy: Any) -> Run:
        return run.with_(results=(*run.results, *passed(*NAMES[2:])))

    run = pipeline.carry(a_run(), PORTS, POLICY, (first, second))
    assert run.decision is not None
    assert (run.decision.verdict, tuple(run.timings)) == (Verdict.ACCEPT, ("first", "second"))


def test_a_change_that_a_stage_refuses_is_rejected_by_the_intake_and_goes_no_further() -> None:
    def refusing(_run: Run, _ports: Any, _policy: Any) -> Run:
        raise ChangeRefused("two entries of one name", hint="rename one")

    def never(_run: Run, _ports: Any, _policy: Any) -> Run:
        raise AssertionError

    run = pipeline.carry(a_run(*passed("intake", "paths")), PORTS, POLICY, (refusing, never))
    assert run.decision is not None
    assert (run.decision.verdict, run.decision.ending) == (Verdict.REJECT, Ending.REJECTED)
    assert run.decision.reason == "two entries of one name (rename one)"
    assert {result.check: result.outcome for result in run.results} == {"paths": Outcome.PASS, "intake": Outcome.FAIL}
    assert run.results[-1].policy == "p.yaml:validate.intake"


def test_enforced_gates_come_before_everything_and_informing_ones_beside_the_suite() -> None:
    enforced, informed = pipeline.line(Gates.ENFORCE, Event()), pipeline.line(Gates.INFORM, Event())
    assert [stage.__name__ for stage in enforced] == ["preflight", "validate", "trial"]
    assert [stage.__name__ for stage in informed] == ["validate", "trial"]


@pytest.mark.parametrize(("outcome", "cause"), [(Outcome.REFUSE, None), (Outcome.FAIL, None), (Outcome.UNKNOWN, Cause.INFRASTRUCTURE)])
def test_a_gate_that_stops_a_run_ends_the_line(outcome: Outcome, cause: Cause | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def preflight(run: Run, _ports: Any, _policy: Any) -> Run:
        return run.with_(results=(Result(check="rate", outcome=outcome, cause=cause, reason="no more"),))

    def never(_run: Run, _ports: Any, _policy: Any) -> Run:
        raise AssertionError

    monkeypatch.setattr(pipeline, "preflight", preflight)
    decision = pipeline.carry(a_run(), PORTS, POLICY, (preflight, never)).decision
    assert decision is not None
    assert decision.reason == "no more"


def test_a_stage_beside_another_waits_until_that_is_under_way_and_its_results_come_first() -> None:
    order: list[str] = []
    ready = Event()

    def trial(run: Run, _ports: Any, _policy: Any) -> Run:
        order.append("trial begins")
        ready.set()
        while "quiet" not in order:
            sleep(0.001)
        return run.with_(results=(*run.results, *passed("tests")), notes=("kept",))

    def quiet(run: Run, _ports: Any, _policy: Any) -> Run:
        order.append("quiet")
        return run.with_(results=(*passed("rate"), *run.results))

    done = pipeline.beside(trial, quiet, ready)(a_run(*passed("intake")), PORTS, POLICY)
    assert order == ["trial begins", "quiet"]
    assert ([result.check for result in done.results], done.notes) == (["rate", "intake", "tests"], ("kept",))


def test_a_stage_that_never_gets_under_way_leaves_nobody_waiting() -> None:
    def broken(_run: Run, _ports: Any, _policy: Any) -> Run:
        raise KeyboardInterrupt

    def quiet(run: Run, _ports: Any, _policy: Any) -> Run:
        return run

    with pytest.raises(KeyboardInterrupt):
        pipeline.beside(broken, quiet, Event())(a_run(), PORTS, POLICY)
