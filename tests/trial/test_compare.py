"""Base against patched, per test id."""

import pytest

from runner.model.suite import Comparison, SuiteRun
from runner.trial.compare import by_id, compare, suspects
from testing.builders import a_record, a_run


def compared(base: dict[str, str], patched: dict[str, str], **more: object) -> Comparison:
    return compare([a_run(base), a_run(base)], a_run(patched), steady={}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("passed", "failed", "broken"),
        ("passed", "error", "broken"),
        ("passed", "hung", "broken"),
        ("xfailed", "failed", "broken"),
        ("skipped", "failed", "broken"),
        ("passed", None, "missing"),
        ("xfailed", None, "missing"),
        ("passed", "skipped", "skipped"),
        ("failed", "passed", "fixed"),
        ("failed", "failed", "still_failing"),
        ("failed", "error", "still_failing"),
        ("passed", "xfailed", "skipped"),
        ("xpassed", "xfailed", "skipped"),
        ("xfailed", "xfailed", None),
        ("xfailed", "passed", None),
        ("passed", "passed", None),
        ("skipped", None, None),
        ("failed", None, None),
    ],
)
def test_each_pair_of_outcomes_has_its_list(before: str, after: str | None, where: str | None) -> None:
    comparison = compared({"t.py::a": before}, {"t.py::a": after} if after else {})
    lists = ("broken", "missing", "skipped", "fixed", "still_failing", "flaky", "new")
    assert [name for name in lists if getattr(comparison, name)] == ([where] if where else [])


def test_a_second_record_cannot_mend_a_first() -> None:
    run = SuiteRun(**{**dict(a_run({})), "records": (a_record("t.py::a", "failed"), a_record("t.py::a", "passed"))})
    assert by_id(run)["t.py::a"].outcome == "failed"


def test_a_suspect_that_passes_when_run_again_is_flaky_and_not_broken() -> None:
    base, patched = [a_run({"t.py::a": "passed"})], a_run({"t.py::a": "failed"})
    assert suspects(base, patched) == ("t.py::a",)
    assert compare(base, patched, steady={"t.py::a": False}).flaky[0].id == "t.py::a"
    assert compare(base, patched, steady={"t.py::a": True}).broken[0].id == "t.py::a"


@pytest.mark.parametrize(
    ("after", "fails_again", "where"),
    [("failed", False, "flaky"), ("failed", True, "broken"), ("skipped", None, "skipped"), (None, None, "missing"), ("passed", None, None)],
)
def test_a_test_that_is_flaky_on_the_base_is_no_free_pass(after: str | None, fails_again: bool | None, where: str | None) -> None:
    base = [a_run({"t.py::a": "passed"}), a_run({"t.py::a": "failed"})]
    patched = a_run({"t.py::a": after} if after else {})
    assert suspects(base, patched) == (("t.py::a",) if after == "failed" else ())
    comparison = compare(base, patched, steady={} if fails_again is None else {"t.py::a": fails_again})
    assert [name for name in ("broken", "flaky", "missing", "skipped", "fixed") if getattr(comparison, name)] == ([where] if where else [])


def test_a_case_that_fails_is_not_made_up_for_by_a_new_one_when_ids_are_unstable() -> None:
    base = [a_run({"t.py::f[12:01]": "passed", "t.py::f[x]": "passed"}), a_run({"t.py::f[12:02]": "passed", "t.py::f[x]": "passed"})]
    patched = a_run({"t.py::f[12:03]": "passed", "t.py::f[new]": "passed", "t.py::f[x]": "failed"})
    assert compare(base, patched, steady={}).broken[0].id == "t.py::f[*]"


def test_ids_that_change_from_run_to_run_compare_as_function_and_count() -> None:
    base = [a_run({"t.py::f[12:01]": "passed", "t.py::f[x]": "passed"}), a_run({"t.py::f[12:02]": "passed", "t.py::f[x]": "passed"})]
    assert compare(base, a_run({"t.py::f[12:03]": "passed", "t.py::f[x]": "passed"}), steady={}).broken == ()
    assert compare(base, a_run({"t.py::f[12:03]": "passed"}), steady={}).missing[0].id == "t.py::f[*]"
    assert compare(base, a_run({"t.py::f[12:03]": "failed", "t.py::f[x]": "passed"}), steady={}).broken[0].id == "t.py::f[*]"


def test_new_tests_come_from_the_suite_with_the_changes_own_tests() -> None:
    own = a_run({"t.py::a": "passed", "n.py::b": "passed"})
    assert [pair.id for pair in compared({"t.py::a": "passed"}, {"t.py::a": "passed"}, own=own).new] == ["n.py::b"]
