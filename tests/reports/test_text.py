"""The report for people."""

from collections.abc import Callable

import pytest

from runner.model.change import Change
from runner.model.result import Finding, Outcome, Result
from runner.model.run import PolicyFacts, Run
from runner.model.suite import Comparison, Pair, TestOutcome
from runner.reports.report import build
from runner.reports.text import render

Make = Callable[..., Run]
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\u202e\u2066\u200b\ufeff\x9b31m[red]bold[/red]\n\U000e0041\u3164:smile:"


def test_it_says_what_happened_why_the_assertion_and_what_to_type_next(run_of: Make) -> None:
    text = render(build(run_of()))
    first, second, *_ = text.splitlines()
    assert first == "REJECTED  fix.diff onto main (ccccccc)  (1 file, +3 -1)"
    assert second == "the change breaks 1 test of the base"
    assert "  tests/test_a.py::test_sum  passed -> failed" in text
    assert "    | E  assert 3 == 4" in text
    assert text.splitlines()[-1] == "next       seatrial run logs abc123abc123"


def test_each_check_has_its_answer_its_numbers_and_its_line_of_the_policy(run_of: Make) -> None:
    text = render(build(run_of()), numbers=True)
    assert "  pass    intake  1 file  [measured 1, limit 1000, policy.yaml:4]" in text
    assert "  fail    tests   the change breaks 1 test of the base  [measured 1, limit 0]" in text
    assert "  unknown origin  no module was reported (evidence)" in text
    assert "      src/a.py:3: tests/test_a.py::test_sum: passed -> failed [tests.broken]  (fix: put it back)" in text


def test_a_check_that_passed_shows_its_place_and_no_numbers_unless_asked(run_of: Make) -> None:
    text = render(build(run_of()))
    assert "  pass    intake  1 file  [policy.yaml:4]" in text
    assert "  fail    tests   the change breaks 1 test of the base  [measured 1, limit 0]" in text


def test_the_suites_their_use_and_the_rest_are_told(run_of: Make) -> None:
    text = render(build(run_of()))
    assert "  base     9 tests: 9 passed  (1.2s, from the cache)  pytest 9.2.0" in text
    assert "  patched  9 tests: 8 passed, 1 failed  (1.5s, peak 50MiB, cpu 1.0s)" in text
    assert "  1 test fixed: tests/test_a.py::test_old" in text
    assert "  taken from the base, not from the change: tests/test_a.py" in text
    assert "time       validate 0.12s · trial 3.50s  (total 3.62s)" in text
    assert "sandbox    seatrial/py:abc · sha256:dddddddddddd · runc · working copy: overlay · memory 2GiB" in text
    assert "note       image built earlier" in text
    assert "seccomp=2" not in text
    assert "seccomp=2" in render(build(run_of()), full=True)


@pytest.mark.parametrize(
    ("ending", "word"),
    [
        ("accepted", "ACCEPTED"),
        ("held", "HELD"),
        ("failed", "FAILED"),
        ("refused", "REFUSED"),
        ("cancelled", "CANCELLED"),
        ("running", "RUNNING"),
    ],
)
def test_the_first_word_is_the_ending(run_of: Make, ending: str, word: str) -> None:
    assert render(build(run_of(ending, tests=None, results=(), sandbox=None, timings={}))).startswith(word + "  ")


def test_long_lists_and_long_failures_are_cut_and_the_cut_is_said(run_of: Make) -> None:
    said = "\n".join(f"line {number}" for number in range(1000))
    pairs = tuple(Pair(id=f"t::{number}", base=TestOutcome.PASSED, patched=TestOutcome.FAILED, text=said) for number in range(300))
    findings = tuple(Finding(path=f"f{number}", rule="r", message="m") for number in range(300))
    run = run_of(tests=Comparison(broken=pairs), results=(Result(check="tests", outcome=Outcome.FAIL, reason="many", findings=findings),))
    text = render(build(run))
    assert len(text.splitlines()) < 80
    assert "line 999" in text
    assert "line 1\n" not in text
    assert "… and 297 more" in text
    assert "… and 295 more findings" in text
    assert len(render(build(run), full=True).splitlines()) < 2000


def _hostile_run(run_of: Make, change_of: Callable[..., Change]) -> Run:
    pair = Pair(id=HOSTILE, base=TestOutcome.PASSED, patched=TestOutcome.FAILED, path=HOSTILE, text=HOSTILE)
    finding = Finding(path=HOSTILE, rule=HOSTILE, message=HOSTILE, fix=HOSTILE)
    result = Result(
        check=HOSTILE, outcome=Outcome.FAIL, reason=HOSTILE, measured=HOSTILE, limit=HOSTILE, policy=HOSTILE, findings=(finding,)
    )
    tests = Comparison(broken=(pair,), missing=(pair,), new=(pair,), tests_side=(HOSTILE,))
    policy = PolicyFacts(source=HOSTILE, digest="d" * 64)
    change = change_of(source=HOSTILE, base_label=HOSTILE)
    return run_of(results=(result,), tests=tests, policy=policy, change=change, notes=(HOSTILE,), level=HOSTILE, timings={HOSTILE: 1.0})


@pytest.mark.parametrize("color", [False, True])
def test_whatever_a_change_wrote_is_shown_as_escapes_and_never_obeyed(run_of: Make, change_of: Callable[..., Change], color: bool) -> None:
    import re

    text = render(build(_hostile_run(run_of, change_of)), color=color, full=True)
    if color:
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # only colours may remain, and no hostile one among them
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert "\\x1b[2J\\x1b]0;owned\\x07\\r\\u202e" in text
    assert "[red]bold[/red]" in text
    assert ":smile:" in text


def test_colours_come_only_when_asked_for_and_change_no_word(run_of: Make) -> None:
    import re

    plain, colored = render(build(run_of())), render(build(run_of()), color=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31mREJECTED" in colored
    assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", colored).splitlines()] == plain.splitlines()


def test_what_is_known_of_a_failing_test_stands_below_it_and_in_the_json(run_of: Make) -> None:
    note = "run again, it failed 1 of 3 times; known as flaky: 4 of 50 runs failed, last on 2026-11-30"
    pair = Pair(id="t.py::a", base=TestOutcome.PASSED, patched=TestOutcome.FAILED, text="E  assert 0", note=note)
    report = build(run_of().with_(tests=Comparison(flaky=(pair,))))
    lines = render(report).splitlines()
    at = lines.index("  t.py::a  passed -> failed")
    assert lines[at + 1 : at + 3] == [f"    {note}", "    | E  assert 0"]
    assert (report.tests.flaky, report.tests.pairs[0].note) == (("t.py::a",), note)
