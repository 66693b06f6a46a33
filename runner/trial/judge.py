"""The trial's answers: what the runs and their comparison prove, one Result per question."""

from collections.abc import Iterable, Sequence

from runner.model.change import Change
from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.suite import Comparison, Pair, Stop, SuiteRun, TestOutcome
from runner.model.units import show_duration
from runner.trial import compare, sides

BASE, TESTS, INVENTORY, CHANNELS, OWN = "base", "tests", "inventory", "channels", "own-tests"
SHOWN = 50


def judge_base(runs: Sequence[SuiteRun]) -> Result:
    """Whether the base's suite can serve as a measure: it ran to its end, twice the same, with at least one test that passed."""
    first = runs[0]
    if problem := next((trouble(run) for run in runs if trouble(run)), ""):
        return Result(check=BASE, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=f"the base's suite: {problem}")
    held = [record for record in first.records if record.outcome.held]
    if not held:
        what = "no test passes" if first.records else "no test was found"
        return Result(check=BASE, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=f"{what} on the base: nothing can be compared")
    failing = [record for record in compare.by_id(first).values() if record.outcome in compare.FAILED]
    shaky = compare.flaky_on_base(runs) | compare.unstable_functions(runs)
    findings = [_finding(r.path or r.id, "base.failing", f"{r.id} fails on the base already", Severity.WARNING) for r in failing]
    findings += [
        _finding(e.path or e.id, "base.collection", f"{e.id} cannot be collected on the base", Severity.WARNING)
        for e in first.collect_errors
    ]
    findings += [_finding(test, "base.unstable", f"{test} is not the same in two base runs", Severity.WARNING) for test in sorted(shaky)]
    total = len(compare.by_id(first))
    if findings:
        parts = [f"{len(failing)} fail", f"{len(first.collect_errors)} files cannot be collected", f"{len(shaky)} are unstable"]
        reason = f"{total} tests on the base, but " + ", ".join(part for part in parts if not part.startswith("0 "))
        return Result(check=BASE, outcome=Outcome.WARN, reason=reason, measured=len(held), findings=tuple(findings[:SHOWN]))
    again = f" in {len(runs)} runs" if len(runs) > 1 else ""
    return Result(check=BASE, outcome=Outcome.PASS, reason=f"{total} tests, none fails{again}", measured=total)


def no_measure(check: str) -> Result:
    """The answer of a comparison when the base gives nothing to compare with."""
    return Result(check=check, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason="the base's suite gives no measure to compare with")


def trouble(run: SuiteRun) -> str:
    """Why a suite run is no complete evidence, as a clause; empty when it is."""
    during = f" during {run.in_flight}" if run.in_flight else ""
    limits = {
        Stop.TIMED_OUT: f"was stopped at its time limit after {show_duration(round(run.usage.seconds, 1))}{during}",
        Stop.STALLED: f"was stopped because one test did not end{during}",
        Stop.OUT_OF_MEMORY: f"ran out of memory{during}",
        Stop.FLOODED: f"printed more than the output limit allows{during}",
        Stop.REPORT_TOO_LARGE: f"sent a report over its limit{during}",
    }
    if run.stop is not Stop.EXITED:
        return limits[run.stop]
    if run.ended:
        return ""
    full = f"; {run.usage.disk_full} was full" if run.usage.disk_full else ""
    pids = "; the process limit was hit" if run.usage.pids_denied else ""
    return (run.disagreement or f"ended{during} without a complete report (exit status {run.exit_code})") + full + pids


def judge_channels(patched: SuiteRun, base: SuiteRun) -> Result:
    """Whether the engine, the session and the records tell one story about the patched run."""
    if problem := trouble(patched):
        return Result(check=CHANNELS, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=f"the patched suite {problem}")
    limits = []
    if patched.usage.disk_full and not base.usage.disk_full:
        limits.append(f"{patched.usage.disk_full} ran full, on the base it did not")
    if patched.usage.pids_denied and not base.usage.pids_denied:
        limits.append(f"the process limit was hit {patched.usage.pids_denied} times, on the base never")
    if limits:
        return Result(check=CHANNELS, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason="the patched suite: " + "; ".join(limits))
    return Result(
        check=CHANNELS, outcome=Outcome.PASS, reason="exit status, session end, totals and records agree", measured=len(patched.records)
    )


def judge_tests(comparison: Comparison, change: Change, split: sides.Sides, own: SuiteRun | None, shaky: frozenset[str]) -> Result:
    """Whether what held on the base still holds (DESIGN §6): broken and untouched fails; broken, edited, own suite green holds.

    `own` is the suite over the whole patched tree: that with the change's own tests or, when it brings none, the patched one.
    """
    if comparison.broken:
        return _lost(TESTS, "breaks", "tests.broken", comparison.broken, comparison, change, split, own)
    loose = [pair for pair in comparison.flaky if pair.id not in shaky]
    if loose:
        reason = f"{loose[0].id} failed and then passed when run again; on the base it never failed"
        return Result(
            check=TESTS, outcome=Outcome.HOLD, reason=reason, measured=len(loose), limit=0, findings=_findings(loose, "tests.flaky")
        )
    if comparison.flaky:
        reason = f"{len(comparison.flaky)} tests are flaky, on the base too"
        return Result(check=TESTS, outcome=Outcome.WARN, reason=reason, findings=_findings(comparison.flaky, "tests.flaky"))
    fixed = f", {len(comparison.fixed)} fixed" if comparison.fixed else ""
    return Result(check=TESTS, outcome=Outcome.PASS, reason=f"every test that held on the base holds{fixed}", measured=0, limit=0)


def judge_inventory(comparison: Comparison, change: Change, split: sides.Sides, own: SuiteRun | None, patched: SuiteRun) -> Result:
    """Whether every test of the base gave an explicit result, and none is newly skipped."""
    gone = (*comparison.missing, *comparison.skipped)
    if gone and not patched.ended:
        reason = f"{len(gone)} tests of the base gave no result: the patched suite {trouble(patched)}"
        return Result(
            check=INVENTORY,
            outcome=Outcome.UNKNOWN,
            cause=Cause.EVIDENCE,
            reason=reason,
            measured=len(gone),
            limit=0,
            findings=_findings(gone, "inventory.missing"),
        )
    if gone:
        return _lost(INVENTORY, "loses or skips", "inventory.missing", gone, comparison, change, split, own)
    return Result(check=INVENTORY, outcome=Outcome.PASS, reason="every test of the base gave a result", measured=0, limit=0)


def _lost(
    check: str,
    verb: str,
    rule: str,
    pairs: Sequence[Pair],
    comparison: Comparison,
    change: Change,
    split: sides.Sides,
    own: SuiteRun | None,
) -> Result:
    changed = {file.path for file in change.files}
    untouched = [pair for pair in pairs if not sides.touched(pair.path, split, changed)]
    if not untouched and own is not None and not own_failures(own, comparison.still_failing):
        reason = f"the change {verb} {_count(pairs)} of the base, but edits what they expect, and its own tests pass: a person must compare"
        return Result(check=check, outcome=Outcome.HOLD, reason=reason, measured=len(pairs), limit=0, findings=_findings(pairs, rule))
    worst = (untouched or list(pairs))[0]
    reason = f"the change {verb} {_count(pairs)} of the base, first {worst.id}"
    return Result(
        check=check, outcome=Outcome.FAIL, reason=reason, measured=len(pairs), limit=0, findings=_findings(untouched or pairs, rule)
    )


def own_failures(own: SuiteRun, pairs: Iterable[Pair]) -> tuple[str, ...]:
    """What speaks against the suite with the change's own tests: failing ids (but those that fail on the base too), or its trouble."""
    excused = {pair.id for pair in pairs}
    failing = tuple(test for test, r in compare.by_id(own).items() if r.outcome in compare.FAILED and test not in excused)
    broken_files = tuple(f"{error.id} cannot be collected" for error in own.collect_errors)
    problem = trouble(own)
    return failing + broken_files + ((f"it {problem}",) if problem else ())


def judge_own(own: SuiteRun | None, comparison: Comparison, split: sides.Sides) -> Result:
    """What the change's own tests say; additional evidence that can hold a change and never lets it in."""
    if not split.tests:
        return Result(check=OWN, outcome=Outcome.PASS, reason="the change brings no tests of its own")
    if own is None:
        return Result(
            check=OWN, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason="the suite with the change's own tests gave no answer"
        )
    against = own_failures(own, comparison.still_failing)
    if against:
        reason = f"the suite with the change's own tests is not green: {against[0]}"
        findings = tuple(_finding(test.partition("::")[0], "own-tests.failing", test) for test in against[:SHOWN])
        return Result(check=OWN, outcome=Outcome.HOLD, reason=reason, measured=len(against), limit=0, findings=findings)
    added = f"{len(comparison.new)} new tests" if comparison.new else "no new test ids"
    return Result(check=OWN, outcome=Outcome.PASS, reason=f"green with the change's own tests ({added})", measured=0, limit=0)


def _count(pairs: Sequence[Pair]) -> str:
    return f"{len(pairs)} test{'s' if len(pairs) != 1 else ''}"


def _findings(pairs: Sequence[Pair], rule: str) -> tuple[Finding, ...]:
    return tuple(
        _finding(pair.path or pair.id.partition("::")[0], rule, f"{pair.id}: {_name(pair.base)} -> {_name(pair.patched)}")
        for pair in pairs[:SHOWN]
    )


def _name(outcome: TestOutcome | None) -> str:
    return outcome.value if outcome else "no result"


def _finding(path: str, rule: str, message: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(path=path, rule=rule, message=message, severity=severity)
