"""What the runs prove, as Results."""

import pytest

from runner.model.suite import Stop, SuiteRun
from runner.trial import judge
from runner.trial.compare import compare
from runner.trial.sides import Inventory, split
from testing.builders import a_change, a_file, a_run

INVENTORY = Inventory(frozenset({"tests/test_a.py", "tests/test_b.py"}))
BASE = {"tests/test_a.py::x": "passed", "tests/test_b.py::y": "passed"}


def outcomes(patched: dict[str, str], changed: tuple[str, ...], own: SuiteRun | None = None, ended: bool = True) -> tuple[str, str]:
    """Outcomes of the tests and the inventory checks."""
    change = a_change(*(a_file(path, "A" if "new" in path else "M") for path in changed))
    sides = split(change.files, INVENTORY, lambda _: False)
    run = a_run(patched, ended=ended, disagreement="" if ended else "the session did not end")
    comparison = compare([a_run(BASE)], run, steady={}, own=own)
    tests = judge.judge_tests(comparison, change, sides, own, frozenset())
    inventory = judge.judge_inventory(comparison, change, sides, own, run)
    return tests.outcome.value, inventory.outcome.value


BROKEN = {**BASE, "tests/test_a.py::x": "failed"}
LOST = {"tests/test_b.py::y": "passed"}
GREEN = a_run({"tests/test_a.py::x": "passed", "tests/test_b.py::y": "passed"})
RED = a_run({"tests/test_a.py::x": "failed", "tests/test_b.py::y": "passed"})


@pytest.mark.parametrize(
    ("patched", "changed", "own", "tests", "inventory"),
    [
        (BASE, ("src/a.py",), None, "pass", "pass"),
        (BROKEN, ("src/a.py",), None, "fail", "pass"),
        (BROKEN, ("src/a.py", "tests/test_b.py"), GREEN, "fail", "pass"),
        (BROKEN, ("src/a.py", "tests/test_a.py"), GREEN, "hold", "pass"),
        (BROKEN, ("src/a.py", "tests/test_a.py"), RED, "fail", "pass"),
        (BROKEN, ("src/a.py", "tests/test_a.py"), None, "fail", "pass"),
        (BROKEN, ("src/a.py", "tests/conftest.py"), GREEN, "fail", "pass"),
        (LOST, ("src/a.py",), None, "pass", "fail"),
        (LOST, ("src/a.py", "tests/test_a.py"), GREEN, "pass", "hold"),
        ({**BASE, "tests/test_a.py::x": "skipped"}, ("src/a.py",), None, "pass", "fail"),
    ],
)
def test_a_lost_test_fails_unless_the_change_edits_it_and_its_own_suite_is_green_then_it_holds(
    patched: dict[str, str], changed: tuple[str, ...], own: SuiteRun | None, tests: str, inventory: str
) -> None:
    assert outcomes(patched, changed, own) == (tests, inventory)


def test_ids_missing_from_a_truncated_run_are_unknown_and_not_a_fail() -> None:
    assert outcomes(LOST, ("src/a.py",), ended=False) == ("pass", "unknown")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (a_run({}, ended=True), "no test was found"),
        (a_run({"t::a": "failed"}), "no test passes"),
        (a_run(BASE, ended=False, disagreement="no session end"), "no session end"),
        (a_run(BASE, stop=Stop.TIMED_OUT, in_flight="t::a"), "time limit"),
        (a_run(BASE, stop=Stop.OUT_OF_MEMORY), "memory"),
        (a_run(BASE, stop=Stop.FLOODED), "printed"),
    ],
)
def test_a_base_that_shows_nothing_is_unknown_and_says_why(run: SuiteRun, words: str) -> None:
    result = judge.judge_base([run])
    assert result.outcome == "unknown"
    assert words in result.reason


def test_a_base_with_failing_tests_is_a_warning_that_names_them() -> None:
    result = judge.judge_base([a_run({**BASE, "tests/test_a.py::z": "failed"})])
    assert result.outcome == "warn"
    assert "tests/test_a.py::z" in result.findings[0].message


@pytest.mark.parametrize("stop", [stop for stop in Stop if stop is not Stop.EXITED])
def test_a_patched_run_that_was_stopped_is_unknown_and_each_stop_has_its_own_words(stop: Stop) -> None:
    result = judge.judge_channels(a_run(BASE, stop=stop), a_run(BASE))
    others = {judge.trouble(a_run(BASE, stop=other)) for other in Stop if other is not stop}
    assert result.outcome == "unknown"
    assert judge.trouble(a_run(BASE, stop=stop)) not in others


@pytest.mark.parametrize(("own", "outcome"), [(GREEN, "pass"), (RED, "hold"), (None, "unknown"), (a_run(BASE, ended=False), "hold")])
def test_the_changes_own_tests_can_hold_it_and_never_let_it_in(own: SuiteRun | None, outcome: str) -> None:
    change = a_change("tests/test_a.py")
    sides = split(change.files, INVENTORY, lambda _: False)
    comparison = compare([a_run(BASE)], a_run(BASE), steady={}, own=own)
    assert judge.judge_own(own, comparison, sides).outcome == outcome


def test_a_test_that_fails_on_the_base_too_does_not_make_the_changes_own_suite_red() -> None:
    base = {**BASE, "tests/test_b.py::z": "failed"}
    change = a_change("src/a.py", "tests/test_a.py")
    sides = split(change.files, INVENTORY, lambda _: False)
    patched, own = a_run({**base, "tests/test_a.py::x": "failed"}), a_run(base)
    comparison = compare([a_run(base)], patched, steady={}, own=own)
    assert judge.judge_tests(comparison, change, sides, own, frozenset()).outcome == "hold"
