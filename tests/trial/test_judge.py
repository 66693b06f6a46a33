"""What the runs prove, as Results."""

import pytest

from runner.model.suite import Stop, SuiteRun
from runner.trial import judge
from runner.trial.compare import compare, excused_by_base, removed
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
    matter = judge.Matter(comparison, frozenset(changed), sides, own)
    tests = judge.judge_tests(matter)
    inventory = judge.judge_inventory(matter, run)
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
    assert judge.judge_own(own, judge.Matter(comparison, frozenset({"tests/test_a.py"}), sides, own)).outcome == outcome


def test_a_test_that_fails_on_the_base_too_does_not_make_the_changes_own_suite_red() -> None:
    base = {**BASE, "tests/test_b.py::z": "failed"}
    change = a_change("src/a.py", "tests/test_a.py")
    sides = split(change.files, INVENTORY, lambda _: False)
    patched, own = a_run({**base, "tests/test_a.py::x": "failed"}), a_run(base)
    comparison = compare([a_run(base)], patched, steady={}, own=own)
    matter = judge.Matter(comparison, frozenset({"src/a.py", "tests/test_a.py"}), sides, own, excused=excused_by_base([a_run(base)]))
    assert judge.judge_tests(matter).outcome == "hold"
    assert judge.judge_own(own, matter).outcome == "pass"


def test_an_own_test_that_wavers_is_a_warning_and_not_silence() -> None:
    sides = split([a_file("tests/test_a.py")], INVENTORY, lambda _: False)
    matter = judge.Matter(
        compare([a_run(BASE)], a_run(BASE), steady={}), frozenset(), sides, RED, excused=frozenset({"tests/test_a.py::x"})
    )
    assert judge.judge_own(RED, matter, {"tests/test_a.py::x"}).outcome == "warn"


def test_a_file_that_can_no_longer_be_collected_is_named_with_its_error() -> None:
    error = a_run({"tests/test_a.py": "error"}).records[0].model_copy(update={"text": "Traceback\nImportError: no name 'x'\n"})
    run = a_run({}, collect_errors=(error,))
    sides = split([a_file("src/a.py")], INVENTORY, lambda _: False)
    result = judge.judge_inventory(judge.Matter(compare([a_run(BASE)], run, steady={}), frozenset({"src/a.py"}), sides, run), run)
    assert result.outcome == "fail"
    assert "ImportError: no name 'x'" in result.reason


def test_a_test_that_wavers_on_the_base_and_now_always_fails_is_held() -> None:
    base = [a_run(BASE), a_run({**BASE, "tests/test_a.py::x": "failed"})]
    comparison = compare(base, a_run({**BASE, "tests/test_a.py::x": "failed"}), steady={"tests/test_a.py::x": True})
    sides = split([a_file("src/a.py")], INVENTORY, lambda _: False)
    matter = judge.Matter(comparison, frozenset({"src/a.py"}), sides, None, shaky=frozenset({"tests/test_a.py::x"}))
    assert judge.judge_tests(matter).outcome == "hold"


@pytest.mark.parametrize(
    ("own", "outcome"),
    [
        (LOST, "hold"),
        ({**BASE, "tests/test_a.py::x": "skipped"}, "hold"),
        ({**BASE, "tests/test_a.py::x": "xfailed"}, "hold"),
        ({}, "unknown"),
        ({**BASE, "n.py::n": "passed"}, "pass"),
    ],
)
def test_tests_of_the_base_that_the_change_removes_or_skips_hold_it_even_if_nothing_breaks(own: dict[str, str], outcome: str) -> None:
    sides = split([a_file("tests/test_a.py")], INVENTORY, lambda _: False)
    run = a_run(own)
    comparison = compare([a_run(BASE)], a_run(BASE), steady={}, own=run)
    matter = judge.Matter(comparison, frozenset({"tests/test_a.py"}), sides, run, removed=removed([a_run(BASE)], run))
    assert judge.judge_own(run, matter).outcome == outcome
