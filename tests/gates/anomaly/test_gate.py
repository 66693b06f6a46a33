"""The anomaly gate: what its answer names, what the policy decides, and what it counts."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from runner.gates.anomaly import gate
from runner.gates.anomaly.measured import Facts
from runner.gates.anomaly.options import Actions, Advanced, Frequency, Levels, Options, Risk
from runner.gates.anomaly.risk import _FEATURES, _RULES
from runner.gates.anomaly.term import Term
from runner.model.history import about_files, features
from runner.model.result import Outcome
from testing.ledgers import ClockedLedger, Gatekeeper, a_gated_run

NUMBERS = count()
QUIET = {"lines added": 3.0, "lines deleted": 1.0, "files": 1.0, "folders": 1.0}
SKIPPED = Term("skipped_tests", "tests/test_a.py", "test_a is newly skipped", 7)


def a_fact(*terms: Term, numbers: dict[str, float] | None = None, usual: dict[str, tuple[float, float]] | None = None) -> Facts:
    return Facts(terms, numbers or QUIET, usual or {}, 200 if usual else 3, ("src",), dependencies=False, untested=False)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ClockedLedger]:
    made = ClockedLedger(tmp_path / "state")
    yield made
    made.close()


def test_an_ordinary_change_passes_and_says_with_what_it_was_compared(ledger: ClockedLedger) -> None:
    answer = Gatekeeper(gate, ledger, Options(), a_fact(usual={"lines added": (10, -0.5)})).ask(a_gated_run())
    assert (answer.outcome, answer.measured, answer.limit) == (Outcome.PASS, 0, 25)
    assert answer.reason == "low risk (0 of 100) beside 200 commits: nothing unusual"


def test_an_exact_rule_decides_by_the_policy_and_is_named_with_its_place(ledger: ClockedLedger) -> None:
    answer = Gatekeeper(gate, ledger, Options(), a_fact(SKIPPED)).ask(a_gated_run())
    assert answer.outcome is Outcome.HOLD
    assert answer.policy == "preflight.anomaly.advanced.actions.skipped_tests"
    assert "medium risk (4" in answer.reason
    assert "tests/test_a.py:7: test_a is newly skipped" in answer.reason
    (finding,) = answer.findings
    assert (finding.rule, finding.path, finding.line) == ("anomaly.skipped-tests", "tests/test_a.py", 7)


@pytest.mark.parametrize(("action", "outcome"), [("warn", "warn"), ("hold", "hold"), ("fail", "fail")])
def test_the_policy_says_what_follows(ledger: ClockedLedger, action: str, outcome: str) -> None:
    options = Options(advanced=Advanced(actions=Actions(skipped_tests=action)))
    assert Gatekeeper(gate, ledger, options, a_fact(SKIPPED)).ask(a_gated_run()).outcome == outcome


def test_what_the_policy_allows_is_no_finding_and_adds_to_the_score_still(ledger: ClockedLedger) -> None:
    options = Options(advanced=Advanced(actions=Actions(skipped_tests="allow"), risk=Risk(medium="allow")))
    answer = Gatekeeper(gate, ledger, options, a_fact(SKIPPED)).ask(a_gated_run())
    assert (answer.outcome, answer.findings) == (Outcome.PASS, ())
    assert answer.measured == 45


def test_the_level_of_the_score_alone_warns_and_may_hold(ledger: ClockedLedger) -> None:
    strange = a_fact(numbers=dict.fromkeys(_FEATURES, 10000.0), usual=dict.fromkeys(_FEATURES, (1, 99.0)))
    warned = Gatekeeper(gate, ledger, Options(), strange).ask(a_gated_run())
    assert (warned.outcome, warned.policy) == (Outcome.WARN, "preflight.anomaly.advanced.risk.high")
    assert warned.limit == 50
    assert "lines added: 10000, usual 1 (z 99.0)" in warned.reason
    holding = Options(advanced=Advanced(risk=Risk(high="hold")))
    assert Gatekeeper(gate, ledger, holding, strange).ask(a_gated_run()).outcome is Outcome.HOLD


def test_caps_stand_in_for_a_short_history_and_only_then(ledger: ClockedLedger) -> None:
    large = {**QUIET, "lines added": 500.0}
    answer = Gatekeeper(gate, ledger, Options(), a_fact(numbers=large)).ask(a_gated_run())
    assert (answer.outcome, answer.policy) == (Outcome.WARN, "preflight.anomaly.advanced.actions.oversize")
    assert "501 lines changed; the cap is 400 while the history is short (3 commits)" in answer.reason
    known = a_fact(numbers=large, usual={"lines added": (400, 0.2)})
    assert Gatekeeper(gate, ledger, Options(), known).ask(a_gated_run()).outcome is Outcome.PASS


def flood(ledger: ClockedLedger, *authors: str, claim: str = "", target: str = "git:/srv/app") -> str:
    keeper = Gatekeeper(gate, ledger, Options(advanced=Advanced(frequency=Frequency(burst=3, per=60.0))), a_fact())
    said = ""
    for author in authors:
        said = keeper.enter(a_gated_run(f"run{next(NUMBERS)}", author=author, claim=claim, target=target)).reason
    return said


def test_more_changes_than_usual_are_said_by_author_and_by_folder(ledger: ClockedLedger) -> None:
    assert "changes" not in flood(ledger, "ann", "ann", "ann")
    assert "4 changes by ann within 1m; 3 are usual" in flood(ledger, "ann")
    assert "5 changes below src" in flood(ledger, "bob")


def test_those_whom_nobody_vouched_for_are_counted_together_whatever_they_claim(ledger: ClockedLedger) -> None:
    flood(ledger, "", "", "", claim="one")
    assert "4 changes by authors that nobody vouched for" in flood(ledger, "", claim="another")


def test_old_changes_and_those_of_other_targets_do_not_count(ledger: ClockedLedger) -> None:
    flood(ledger, "ann", "ann", "ann")
    assert "changes" not in flood(ledger, "ann", target="git:/srv/other")
    ledger.now += 61
    assert "changes" not in flood(ledger, "ann")


def test_what_no_window_reaches_any_more_is_forgotten(ledger: ClockedLedger) -> None:
    flood(ledger, "ann", "ann")
    ledger.now += 90_000
    flood(ledger, "ann")
    with ledger.reading() as moment:
        assert len(moment.entries("anomaly", "git:/srv/app")) == 1


def test_a_run_is_counted_once_however_often_it_is_charged(ledger: ClockedLedger) -> None:
    keeper = Gatekeeper(gate, ledger, Options(advanced=Advanced(frequency=Frequency(burst=1, per=60.0))), a_fact())
    for _ in range(3):
        assert "changes" not in keeper.enter(a_gated_run("same")).reason


def test_a_look_counts_nothing(ledger: ClockedLedger) -> None:
    keeper = Gatekeeper(gate, ledger, Options(advanced=Advanced(frequency=Frequency(burst=1, per=60.0))), a_fact())
    assert all("changes" not in keeper.ask(a_gated_run(f"r{number}")).reason for number in range(3))


def test_every_rule_and_every_feature_has_its_points() -> None:
    assert set(_RULES) == set(Actions.model_fields)
    assert set(_FEATURES) == {*features([]), *about_files([], 0.0)}


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (Options(advanced=Advanced(commits=40)), ("advanced", "min_commits")),
        (Options(advanced=Advanced(levels=Levels(medium=60))), ("advanced", "levels")),
        (Options(advanced=Advanced(frequency=Frequency(per=0.0))), ("advanced", "frequency", "per")),
    ],
)
def test_options_that_cannot_be_meant_are_faults(options: Options, path: tuple[str, ...]) -> None:
    assert [fault for fault, _ in gate.faults(options)] == [path]
    assert not list(gate.faults(Options()))
