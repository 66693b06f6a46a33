"""A run with everything in it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.model.change import Change, FileChange, Status
from runner.model.result import Cause, Decision, Ending, Finding, Outcome, Result, Verdict
from runner.model.run import PolicyFacts, Run, SandboxFacts
from runner.model.suite import Comparison, Pair, SuiteSummary, TestOutcome, Usage

ENDINGS = {
    "accepted": Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed"),
    "rejected": Decision(verdict=Verdict.REJECT, ending=Ending.REJECTED, reason="the change breaks 1 test of the base"),
    "held": Decision(verdict=Verdict.HOLD, ending=None, reason="a person must look"),
    "refused": Decision(verdict=None, ending=Ending.REFUSED, reason="not now"),
    "failed": Decision(verdict=None, ending=Ending.FAILED, reason="the engine went away"),
    "cancelled": Decision(verdict=None, ending=Ending.CANCELLED, reason="interrupted"),
    "running": None,
}


def a_change(**given: Any) -> Change:
    """A change of one file."""
    file = FileChange(
        name=b"src/a.py",
        path="src/a.py",
        status=Status.MODIFIED,
        old_mode="100644",
        new_mode="100644",
        old_blob="1" * 40,
        new_blob="2" * 40,
        added=3,
        deleted=1,
    )
    usual = {"base_commit": "c" * 40, "base_tree": "b" * 40, "tree": "7" * 40, "patch_id": "e" * 40, "source": "fix.diff", "kind": "diff"}
    return Change(**{**usual, "base_label": "main (ccccccc)", "files": (file,), **given})


def a_run(ending: str = "rejected", **given: Any) -> Run:
    """A run that tells of every kind of thing."""
    pair = Pair(
        id="tests/test_a.py::test_sum",
        base=TestOutcome.PASSED,
        patched=TestOutcome.FAILED,
        path="tests/test_a.py",
        text="def test_sum():\nE  assert 3 == 4",
    )
    tests = Comparison(
        base=SuiteSummary(tests=9, passed=9, seconds=1.25, cached=True, runner="pytest 9.2.0"),
        patched=SuiteSummary(tests=9, passed=8, failed=1, seconds=1.5, usage=Usage(memory_peak=50 * 2**20, cpu_seconds=1.0)),
        broken=(pair,),
        fixed=(Pair(id="tests/test_a.py::test_old", base=TestOutcome.FAILED, patched=TestOutcome.PASSED),),
        tests_side=("tests/test_a.py",),
        source_side=("src/a.py",),
    )
    finding = Finding(
        path="src/a.py", line=3, rule="tests.broken", message="tests/test_a.py::test_sum: passed -> failed", fix="put it back"
    )
    results = (
        Result(check="intake", outcome=Outcome.PASS, reason="1 file", measured=1, limit=1000, policy="policy.yaml:4"),
        Result(
            check="tests", outcome=Outcome.FAIL, reason="the change breaks 1 test of the base", measured=1, limit=0, findings=(finding,)
        ),
        Result(check="origin", outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason="no module was reported"),
    )
    sandbox = SandboxFacts(
        image="seatrial/py:abc",
        digest="sha256:" + "d" * 64,
        runtime="runc",
        working_copy="overlay",
        limits={"memory": "2GiB"},
        in_force={"seccomp": "2"},
    )
    usual: dict[str, Any] = {
        "id": "abc123abc123",
        "started": datetime(2026, 11, 22, 12, tzinfo=UTC),
        "repository": "/somewhere",
        "policy": PolicyFacts(source="builtin:default", digest="d" * 64),
        "change": a_change(),
        "results": results,
        "tests": tests,
        "sandbox": sandbox,
        "level": "base tests, patched source",
        "timings": {"validate": 0.125, "trial": 3.5},
        "notes": ("image built earlier",),
        "decision": ENDINGS[ending],
    }
    return Run(**{**usual, **given})


@pytest.fixture
def run_of() -> Callable[..., Run]:
    return a_run


@pytest.fixture
def change_of() -> Callable[..., Change]:
    return a_change
