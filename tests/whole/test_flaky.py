"""Tests that waver and tests that are set aside, in whole checks with real sandboxes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.model.run import Run
from runner.reports.report import build
from runner.reports.text import render
from testing.landing import Landing
from testing.whole import ROOT, answers, commit

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
Diff = Callable[[dict[str, str | None]], Path]
Judged = Callable[..., Run]
QUAY = (ROOT / "examples/berth/src/berth/quay.py").read_text()
BUG = QUAY.replace("berth.length < ship_length", "berth.length <= ship_length")
EXACT = "tests/test_quay.py::test_an_exact_fit_is_a_fit"
LUCK = """
import os, pytest

@pytest.mark.parametrize("number", range(48))
def test_luck(number):
    assert os.urandom(1)[0] >= 96
"""
"""Each fails in three runs of eight; that none of them wavers, or that one fails 20 times in a row, is less likely than 1 in 100 000."""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests saw is not known here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def policy(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the operator's policy with a section `tests`."""

    def write(tests: str) -> Path:
        file = tmp_path / "policy.yaml"
        file.write_text(f"seatrial: 1\ntests: {{isolation: in-process, {tests}}}\n")
        return file

    return write


def day(ahead: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


def aside(test: str, ahead: int) -> str:
    return f'quarantine: [{{test: "{test}", owner: ann, until: {day(ahead)}, reason: "it is known"}}]'


def test_tests_that_waver_hold_a_change_are_remembered_and_warn_in_quarantine(
    judged: Judged, diff: Diff, berth: Path, policy: Callable[[str], Path]
) -> None:
    (berth / "tests/test_luck.py").write_text(LUCK)
    commit(berth)
    patch = diff({"src/berth/quay.py": QUAY + "\n"})
    first = judged(patch, policy=policy("reruns: 20"))
    assert first.tests is not None
    assert first.tests.flaky
    assert not first.tests.broken
    assert answers(first)["tests"] in ("hold", "warn"), "warn where each of them wavered on the base, too"
    second = judged(patch, policy=policy(f"reruns: 20, {aside('tests/test_luck.py::*', 30)}"))
    assert second.decision is not None
    assert (answers(second)["tests"], second.decision.verdict) == ("warn", "accept")
    assert second.tests is not None
    assert second.tests.base.cached
    report = build(second)
    assert report.tests.flaky
    assert all(test.startswith("tests/test_luck.py::test_luck[") for test in report.tests.flaky)
    told = render(report, full=True)
    assert "in quarantine for ann until" in told
    assert "known as flaky: " in told


@pytest.mark.parametrize(("ahead", "outcome", "verdict"), [(1, "warn", "accept"), (-1, "fail", "reject")])
def test_a_test_that_breaks_in_quarantine_warns_until_its_day_is_over(
    ahead: int, outcome: str, verdict: str, judged: Judged, diff: Diff, policy: Callable[[str], Path]
) -> None:
    run = judged(diff({"src/berth/quay.py": BUG}), policy=policy(aside(EXACT, ahead)))
    assert run.decision is not None
    assert (answers(run)["tests"], run.decision.verdict) == (outcome, verdict)
    (answer,) = (result for result in run.results if result.check == "tests")
    assert ("its quarantine ended on" in answer.reason) is (outcome == "fail")
    assert run.tests is not None
    assert run.tests.broken[0].note == "run again, it failed 2 of 2 times"


@pytest.mark.parametrize(("test", "code"), [(EXACT, 0), ("tests/test_quay.py::test_another", 1)])
def test_a_promotion_is_not_taken_back_for_a_test_in_quarantine(test: str, code: int, landing: Landing) -> None:
    probe = {"suite": True, "interval": "200ms", "timeout": "60s"}
    landing.policy(
        tests={"quarantine": [{"test": test, "owner": "ann", "until": day(30)}]},
        monitor={"probes": [probe], "confirm_after": "300ms", "deadline": "120s"},
    )
    done = landing.submit(landing.change({"src/berth/quay.py": BUG}), landing.dir)
    assert done.code == code, done
    if not code:
        assert (done.result("tests")["outcome"], done.result("probe:suite")["outcome"]) == ("warn", "pass")


def test_a_test_in_quarantine_that_is_gone_is_not_excused(judged: Judged, diff: Diff, policy: Callable[[str], Path]) -> None:
    gone = diff({"src/berth/quay.py": QUAY + "\n", "tests/test_quay.py": None})
    with_it, without = (judged(gone, policy=policy(tests)) for tests in (aside(EXACT, 30), "reruns: 2"))
    checks = ("tests", "inventory", "own-tests")
    assert [answers(with_it)[check] for check in checks] == [answers(without)[check] for check in checks] == ["pass", "pass", "hold"]
    assert with_it.decision is not None
    assert with_it.decision.verdict == "hold"
