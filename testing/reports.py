"""Reports of every kind of ending, for tests; `python -m testing.reports` writes what each format makes of them to the golden files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import runner
from runner.model.change import Change, FileChange, Status
from runner.model.result import Cause, Decision, Ending, Finding, Outcome, Result, Severity, Verdict
from runner.model.run import PolicyFacts, Run, SandboxFacts
from runner.model.suite import Comparison, Made, Pair, SuiteSummary, TestOutcome, Touched, Usage
from runner.reports.formats import FORMATS, written
from runner.reports.report import Report, build

GOLDEN = Path(__file__).parents[1] / "tests/reports/golden"
SUFFIX = {"text": "txt", "json": "json", "markdown": "md", "github": "log", "sarif": "sarif", "junit": "xml"}
PASSED, FAILED, SKIPPED = TestOutcome.PASSED, TestOutcome.FAILED, TestOutcome.SKIPPED

BROKE = """def test_an_exact_fit_is_a_fit():
>       assert assign(QUAY, 80).name == "B"
E       AssertionError: assert 'A' == 'B'
E         - B
E         + A

tests/test_quay.py:14: AssertionError"""


def a_change(*paths: str, **given: Any) -> Change:
    files = tuple(
        FileChange(
            name=path.encode(),
            path=path,
            status=Status.MODIFIED,
            old_mode="100644",
            new_mode="100644",
            old_blob="1" * 40,
            new_blob="2" * 40,
            added=3,
            deleted=1,
        )
        for path in paths
    )
    usual = {"base_commit": "c" * 40, "base_tree": "b" * 40, "tree": "7" * 40, "patch_id": "e" * 40, "source": "fix.diff", "kind": "diff"}
    return Change(**{**usual, "base_label": "main (1a2b3c4)", "files": files, **given})


def a_run(decision: Decision | None, **given: Any) -> Run:
    usual: dict[str, Any] = {
        "id": "abc123abc123",
        "started": datetime(2026, 11, 22, 12, tzinfo=UTC),
        "repository": "/somewhere",
        "policy": PolicyFacts(source=".seatrial/policy.yaml of main (1a2b3c4)", digest="d" * 64),
        "change": a_change("src/quay.py"),
        "decision": decision,
    }
    return Run(**{**usual, **given})


def _suite(passed: int, failed: int = 0, skipped: int = 0, **given: Any) -> SuiteSummary:
    usage = Usage(memory_peak=50 * 2**20, cpu_seconds=1.0)
    usual: dict[str, Any] = {"seconds": 1.5, "runner": "pytest 9.2.0, python 3.11.2", "usage": usage}
    return SuiteSummary(tests=passed + failed + skipped, passed=passed, failed=failed, skipped=skipped, **{**usual, **given})


def _passes(*checks: str) -> tuple[Result, ...]:
    return tuple(Result(check=check, outcome=Outcome.PASS, reason="nothing to say against it") for check in checks)


_TRIAL: dict[str, Any] = {
    "sandbox": SandboxFacts(
        image="seatrial/py:abc", digest="sha256:" + "d" * 64, runtime="runc", working_copy="overlay", limits={"memory": "2GiB", "cpus": "2"}
    ),
    "level": "in-process: every changed module that was imported came from the working copy",
    "timings": {"validate": 0.125, "trial": 3.5},
}


def accepted() -> Run:
    tests = Comparison(
        base=_suite(8, 1, cached=True),
        patched=_suite(9),
        fixed=(Pair(id="tests/test_quay.py::test_old", base=FAILED, patched=PASSED, path="tests/test_quay.py"),),
        source_side=("src/quay.py",),
    )
    late = Finding(
        path="tests/test_quay.py",
        rule="base.failing",
        message="tests/test_quay.py::test_old fails on the base already",
        severity=Severity.WARNING,
    )
    base = Result(check="base", outcome=Outcome.WARN, reason="9 tests on the base, of which 1 fail", measured=8, findings=(late,))
    results = (*_passes("intake", "paths", "syntax"), base, *_passes("tests", "inventory", "channels", "origin"))
    return a_run(
        Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed"), results=results, tests=tests, **_TRIAL
    )


def rejected() -> Run:
    broken = Pair(id="tests/test_quay.py::test_an_exact_fit_is_a_fit", base=PASSED, patched=FAILED, path="tests/test_quay.py", text=BROKE)
    gone = Pair(id="tests/test_quay.py::test_wide[a|b]", base=PASSED, patched=None, path="tests/test_quay.py")
    tests = Comparison(
        base=_suite(9, cached=True),
        patched=_suite(7, 1),
        broken=(broken,),
        missing=(gone,),
        tests_side=("tests/test_quay.py",),
        source_side=("src/quay.py",),
    )
    reason = "the change breaks 1 test of the base, first tests/test_quay.py::test_an_exact_fit_is_a_fit"
    found = Finding(path=broken.path, rule="tests.broken", message=f"{broken.id}: passed -> failed")
    lost = Finding(path=gone.path, rule="inventory.missing", message=f"{gone.id}: passed -> no result")
    late = Finding(
        path="src/quay.py",
        line=3,
        end_line=4,
        rule="static.exec",
        message="runs text as code: exec(text)",
        fix="call the function",
        severity=Severity.WARNING,
    )
    results = (
        *_passes("intake", "paths", "syntax"),
        Result(check="static", outcome=Outcome.HOLD, reason="1 dangerous pattern on added lines", measured=1, limit=0, findings=(late,)),
        *_passes("base"),
        Result(check="tests", outcome=Outcome.FAIL, reason=reason, measured=1, limit=0, findings=(found,)),
        Result(
            check="inventory",
            outcome=Outcome.FAIL,
            reason=f"the change loses or skips 1 test of the base, first {gone.id}",
            measured=1,
            limit=0,
            findings=(lost,),
        ),
        Result(check="origin", outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason="no module was reported"),
    )
    decision = Decision(verdict=Verdict.REJECT, ending=Ending.REJECTED, reason=reason)
    return a_run(decision, results=results, tests=tests, **_TRIAL)


def held() -> Run:
    pair = Pair(id="tests/test_quay.py::test_an_exact_fit_is_a_fit", base=PASSED, patched=FAILED, path="tests/test_quay.py", text=BROKE)
    skipped = Pair(id="tests/test_quay.py::test_tide", base=PASSED, patched=SKIPPED, path="tests/test_quay.py")
    tests = Comparison(
        base=_suite(9),
        patched=_suite(7, 1, 1),
        own=_suite(9),
        broken=(pair,),
        skipped=(skipped,),
        new=(Pair(id="tests/test_quay.py::test_new", base=None, patched=PASSED, path="tests/test_quay.py"),),
        tests_side=("tests/test_quay.py",),
        source_side=("src/quay.py", "conftest.py"),
        touched=(
            Touched(id=pair.id, path=pair.path, made=Made.EDITED, base=PASSED, patched=FAILED, own=PASSED),
            Touched(id=skipped.id, path=skipped.path, made=Made.REMOVED, base=PASSED, patched=SKIPPED, own=None),
            Touched(
                id="tests/test_quay.py::test_wide[a|b]", path=pair.path, made=Made.FILE_EDITED, base=PASSED, patched=PASSED, own=PASSED
            ),
        ),
    )
    reason = "the change breaks 1 test of the base, but edits what they expect, and its own tests pass: a person must compare"
    places = (
        Finding(path="conftest.py", line=7, rule="paths.hold", message="conftest.py changes how tests run", severity=Severity.WARNING),
        Finding(path="größe/a b.py", line=1, rule="paths.hold", message="is protected by the policy", fix="leave it out"),
    )
    looser = Finding(
        path=pair.path,
        line=14,
        rule="anomaly.looser-assertions",
        message="test_an_exact_fit_is_a_fit asserts less strictly",
        severity=Severity.INFO,
    )
    risk = "low risk (12 of 100) beside 80 commits: test_an_exact_fit_is_a_fit asserts less strictly"
    results = (
        Result(check="anomaly", outcome=Outcome.WARN, reason=risk, measured=12, limit=40, findings=(looser,)),
        *_passes("intake"),
        Result(
            check="paths",
            outcome=Outcome.HOLD,
            reason="2 protected paths",
            measured=2,
            limit=0,
            policy=".seatrial/policy.yaml:8",
            findings=places,
        ),
        *_passes("syntax", "base"),
        Result(
            check="tests",
            outcome=Outcome.HOLD,
            reason=reason,
            measured=1,
            limit=0,
            findings=(Finding(path=pair.path, rule="tests.broken", message=f"{pair.id}: passed -> failed"),),
        ),
        Result(
            check="inventory",
            outcome=Outcome.HOLD,
            reason="the change loses or skips 1 test of the base",
            findings=(Finding(path=skipped.path, rule="inventory.missing", message=f"{skipped.id}: passed -> skipped"),),
        ),
    )
    return a_run(Decision(verdict=Verdict.HOLD, ending=None, reason="2 protected paths"), results=results, tests=tests, **_TRIAL)


def failed() -> Run:
    reason = "the engine stopped answering while the suite ran"
    broken = Result(check="channels", outcome=Outcome.UNKNOWN, cause=Cause.INFRASTRUCTURE, reason=reason)
    results = (*_passes("intake", "paths", "syntax"), broken)
    return a_run(Decision(verdict=None, ending=Ending.FAILED, reason=reason), results=results, timings={"validate": 0.125})


def cancelled() -> Run:
    return a_run(Decision(verdict=None, ending=Ending.CANCELLED, reason="the run was stopped before it ended"))


SAMPLES = {"accept": accepted, "reject": rejected, "hold": held, "failed": failed, "cancelled": cancelled}


def sample(name: str) -> Report:
    return build(SAMPLES[name](), here=Path("/somewhere"))


def golden(name: str, style: str) -> str:
    """What the format makes of the sample, without the version of Seatrial."""
    return written(sample(name), style, full=True, numbers=True).replace(f'"version": "{runner.__version__}"', '"version": "VERSION"')


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name in SAMPLES:
        for style in FORMATS:
            (GOLDEN / f"{name}.{SUFFIX[style]}").write_text(golden(name, style), encoding="utf-8")


if __name__ == "__main__":
    main()
