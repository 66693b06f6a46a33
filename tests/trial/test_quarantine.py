"""Tests that a policy sets aside: how an entry names them, when it counts, and what it never excuses."""

import time
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from runner.model.suite import SuiteRun
from runner.trial import judge
from runner.trial.compare import compare
from runner.trial.options import Tests
from runner.trial.quarantine import Quarantine, Quarantined, faults, quarantine, warnings
from runner.trial.sides import Inventory, split
from testing.builders import a_change, a_run

TODAY = date(2026, 11, 30)
A, B = "tests/test_a.py::x", "tests/test_b.py::y"
BASE = {A: "passed", B: "passed"}


def an_entry(test: str = A, until: str = "2026-12-31", **more: Any) -> Quarantined:
    return Quarantined(test=test, owner="ann", until=until, **more)


@pytest.mark.parametrize(
    ("pattern", "test", "meant"),
    [
        ("t.py::a", "t.py::a", True),
        ("t.py::a", "t.py::a[1]", False),
        ("t.py::a*", "t.py::a[1]", True),
        ("t.py::a[1-2]", "t.py::a[1-2]", True),
        ("t.py::a[1-2]", "t.py::a1", False),
        ("t.py::a?", "t.py::ab", False),
        ("d/*::test_*_net*", "d/t/u.py::test_a_net[x]", True),
        ("d/*::test_*_net", "d/u.py::test_net", False),
        ("ab*ba", "aba", False),
        ("a*b*c", "a-c-b", False),
    ],
)
def test_a_star_stands_for_any_text_and_all_else_for_itself(pattern: str, test: str, meant: bool) -> None:
    assert an_entry(pattern).names(test) is meant


def test_a_hostile_id_costs_no_time() -> None:
    began = time.monotonic()
    assert not an_entry("a*a*a*a*a*a*a*a*b").names("a" * 1_000_000)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "given",
    [
        *({"test": test} for test in ("*", "**", "", "*::*", "* ", "a\nb", " a", "a" * 401, "a" + "*b" * 9)),
        *({"until": day} for day in ("", "tomorrow", "2026-02-30", "20261231", "1796000000", "2026-12-31T00:00")),
        *({"owner": name} for name in ("", "  ", "a\x1b[31m", "a" * 201)),
        {"reason": ""},
        {"extra": "x"},
    ],
)
def test_an_entry_that_names_everything_or_nobody_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Quarantined(**{"test": A, "owner": "ann", "until": "2026-12-31", **given})


@pytest.mark.parametrize("missing", ["test", "owner", "until"])
def test_an_entry_needs_its_test_an_owner_and_a_day(missing: str) -> None:
    given = {"test": A, "owner": "ann", "until": "2026-12-31"}
    del given[missing]
    with pytest.raises(ValidationError):
        Tests(quarantine=(given,))  # type: ignore[arg-type]


def test_an_entry_ends_within_90_days_and_there_are_200_at_most() -> None:
    assert not tuple(faults([an_entry(until="2027-02-28")], TODAY))
    ((path, what),) = faults([an_entry(), an_entry(until="2027-03-01")], TODAY)
    assert (path, "2027-02-28 is the last day today" in what) == ((1, "until"), True)
    assert [path for path, _ in faults([an_entry()] * 201, TODAY)] == [(200,)]


def test_an_entry_that_has_ended_or_stands_twice_is_worth_a_warning_and_no_fault() -> None:
    ended = an_entry(B, "2026-11-29")
    assert not tuple(faults([ended], TODAY))
    assert [path for path, _ in warnings([an_entry(), ended, an_entry()], TODAY)] == [(0, "test"), (1, "until"), (2, "test")]


def judged(
    patched: dict[str, str], *entries: Quarantined, changed: str = "src/a.py", today: date = TODAY, own: SuiteRun | None = None, **more: Any
) -> dict[str, Any]:
    sides = split(a_change(changed).files, Inventory(frozenset({"tests/test_a.py", "tests/test_b.py"})), lambda _: False)
    base, run, steady = [a_run(BASE)], a_run(patched), more.pop("steady", {})
    comparison = compare(base, run, steady=steady, own=own)
    matter = judge.Matter(comparison, frozenset({changed}), sides, own or run, quarantine=quarantine(entries, today, base), **more)
    return {
        "tests": judge.judge_tests(matter),
        "inventory": judge.judge_inventory(matter, run),
        "own": judge.judge_own(own, matter) if own else None,
    }


def test_a_broken_test_in_quarantine_warns_with_its_owner_and_its_day() -> None:
    answer = judged({**BASE, A: "failed"}, an_entry(reason="#12"))["tests"]
    assert answer.outcome == "warn"
    assert answer.reason == f"{A} fails, in quarantine for ann until 2026-12-31 (#12)"
    assert [(f.rule, f.severity) for f in answer.findings] == [("tests.quarantined", "warning")]


def test_other_failures_beside_it_still_fail() -> None:
    answer = judged({A: "failed", B: "failed"}, an_entry())["tests"]
    assert (answer.outcome, answer.measured) == ("fail", 1)
    assert B in answer.reason


@pytest.mark.parametrize(("today", "outcome"), [(date(2026, 12, 31), "warn"), (date(2027, 1, 1), "fail")])
def test_the_last_day_counts_and_after_it_the_test_is_as_any_other(today: date, outcome: str) -> None:
    answer = judged({**BASE, A: "failed"}, an_entry(), today=today)["tests"]
    assert answer.outcome == outcome
    assert ("its quarantine ended on 2026-12-31; its owner is ann" in answer.reason) is (outcome == "fail")


@pytest.mark.parametrize("patched", [{B: "passed"}, {A: "skipped", B: "passed"}], ids=["gone", "skipped"])
def test_a_test_that_is_gone_or_skipped_is_not_excused(patched: dict[str, str]) -> None:
    assert judged(patched, an_entry())["inventory"].outcome == "fail"


def test_an_entry_that_names_every_test_of_the_base_excuses_none_and_says_so() -> None:
    answer = judged({**BASE, A: "failed"}, an_entry("tests/*"))["tests"]
    assert answer.outcome == "fail"
    assert "the quarantine of 'tests/*' names every test of the base, and excuses none" in answer.reason


def test_a_change_that_edits_the_test_itself_is_not_excused() -> None:
    answer = judged({**BASE, A: "failed"}, an_entry(), changed="tests/test_a.py", own=a_run({**BASE, A: "failed"}))
    assert (answer["tests"].outcome, answer["own"].outcome) == ("fail", "hold")
    assert "which does not count: the change edits what the test expects" in answer["tests"].reason


def test_a_failure_in_the_suite_with_the_changes_own_tests_is_excused_where_the_base_has_the_test() -> None:
    own = a_run({**BASE, A: "failed"})
    assert judged(BASE, an_entry(), changed="tests/test_b.py", own=own)["own"].outcome == "pass"
    assert judged(BASE, changed="tests/test_b.py", own=own)["own"].outcome == "hold"
    new = a_run({**BASE, "tests/test_a.py::new": "failed"})
    assert judged(BASE, an_entry("tests/test_a.py*"), changed="tests/test_b.py", own=new)["own"].outcome == "hold"


def test_a_test_that_wavers_only_over_the_change_holds_it_and_warns_in_quarantine() -> None:
    assert judged({**BASE, A: "failed"}, steady={A: False})["tests"].outcome == "hold"
    assert judged({**BASE, A: "failed"}, an_entry(), steady={A: False})["tests"].outcome == "warn"


def test_a_function_whose_ids_are_never_the_same_can_be_set_aside() -> None:
    base = [a_run({**BASE, "t.py::f[1]": "passed"}), a_run({**BASE, "t.py::f[2]": "passed"})]
    assert quarantine([an_entry("t.py::f*")], TODAY, base).excuses("t.py::f[*]")
    assert Quarantine().excuses(A) is None
