"""The trial's answers: what the runs and their comparison prove, one Result per question."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.suite import Comparison, Pair, Stop, SuiteRun, TestOutcome, TestRecord
from runner.model.units import show_duration
from runner.trial import compare, sides
from runner.trial.mend import NO_TESTS, mend
from runner.trial.quarantine import Quarantine

BASE, TESTS, INVENTORY, CHANNELS, OWN = "base", "tests", "inventory", "channels", "own-tests"
NO_MEASURE = "the base's suite gives no measure to compare with"
"""What follows from the answer about the base, and explains nothing."""
SHOWN = 50


@dataclass(frozen=True)
class Matter:
    """What the comparison is judged by: the change's sides, and the suite over the whole patched tree.

    `whole` is the suite with the change's own tests or, when it brings none, the patched one; `excused` are ids that fail there
    for no fault of the change: they fail or waver on the base, or passed when run again.
    """

    comparison: Comparison
    changed: frozenset[str]
    split: sides.Sides
    whole: SuiteRun | None
    excused: frozenset[str] = frozenset()
    shaky: frozenset[str] = frozenset()
    removed: tuple[Pair, ...] = ()
    """Tests of the base that the suite with the change's own tests lacks or no longer runs."""
    quarantine: Quarantine = field(default_factory=Quarantine)

    def excuses(self, test: Pair | TestRecord) -> bool:
        """Whether a failure only warns: the test is in quarantine, and the change does not touch what it consists of."""
        return self.quarantine.excuses(test.id) is not None and not sides.touched(test.path, self.split, self.changed)

    def told(self, pair: Pair) -> str:
        """What there is to say of a failure's quarantine; the same whenever the same run is judged, so that an approval stays good."""
        if pair.patched is None or not pair.patched.failed:
            return ""
        said = self.quarantine.told(pair.id)
        if self.quarantine.excuses(pair.id) and not self.excuses(pair):
            said += ", which does not count: the change edits what the test expects"
        return said


def judge_base(runs: Sequence[SuiteRun]) -> Result:
    """Whether the base's suite can serve as a measure: it ran to its end, twice the same, with at least one test that passed."""
    first = runs[0]
    if problem := next((trouble(run) for run in runs if trouble(run)), ""):
        return _no_evidence(BASE, f"the base's suite: {problem}{_mended([run.log for run in runs])}")
    held = [record for record in first.records if record.outcome.held]
    if not held:
        why = (
            f"{first.collect_errors[0].id} cannot be collected: {_last_line(first.collect_errors[0].text)}" if first.collect_errors else ""
        )
        if not why and not first.records:
            return _no_evidence(BASE, f"{NO_TESTS}; nothing can be compared")
        why = why or "no test passes" + next((f", the first fails by {_last_line(r.text)}" for r in first.records if r.outcome.failed), "")
        texts = [record.text for record in (*first.collect_errors, *first.records)]
        return _no_evidence(BASE, f"on the base, {why}: nothing can be compared{_mended(texts)}")
    failing = [record for record in compare.by_id(first).values() if record.outcome.failed]
    shaky = compare.flaky_on_base(runs) | compare.unstable_functions(runs)
    findings = [
        *(_finding(r.path or r.id, "base.failing", f"{r.id} fails on the base already", Severity.WARNING) for r in failing),
        *(
            _finding(e.path or e.id, "base.collection", f"{e.id} cannot be collected on the base", Severity.WARNING)
            for e in first.collect_errors
        ),
        *(_finding(test, "base.unstable", f"{test} is not the same in two base runs", Severity.WARNING) for test in sorted(shaky)),
    ]
    total = len(compare.by_id(first))
    if findings:
        parts = {"fail": failing, "cannot be collected": first.collect_errors, "are unstable": shaky}
        reason = f"{total} tests on the base, of which " + ", ".join(f"{len(what)} {word}" for word, what in parts.items() if what)
        odd = (*first.collect_errors, *failing)
        reason += _mended([record.text for record in odd]) or (f"; the first by {_last_line(odd[0].text)}" if odd else "")
        return Result(check=BASE, outcome=Outcome.WARN, reason=reason, measured=len(held), findings=tuple(findings[:SHOWN]))
    again = f" in {len(runs)} runs" if len(runs) > 1 else ""
    return Result(check=BASE, outcome=Outcome.PASS, reason=f"{total} tests, none fails{again}", measured=total)


def _mended(texts: Sequence[str]) -> str:
    clause = mend(texts)
    return f"; {clause}" if clause else ""


def _no_evidence(check: str, reason: str) -> Result:
    return Result(check=check, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip()[:200] if lines else "no reason was given"


def no_measure(check: str) -> Result:
    """The answer of a comparison when the base gives nothing to compare with."""
    return _no_evidence(check, NO_MEASURE)


def trouble(run: SuiteRun) -> str:
    """Why a suite run is no complete evidence, as a clause; empty when it is."""
    during = f" during {run.in_flight}" if run.in_flight else ""
    limits = {
        Stop.TIMED_OUT: f"it was stopped at its time limit after {show_duration(round(run.usage.seconds, 1))}{during}",
        Stop.STALLED: f"it was stopped because one test did not end{during}",
        Stop.OUT_OF_MEMORY: f"it ran out of memory{during}",
        Stop.FLOODED: f"it printed more than the output limit allows{during}",
        Stop.REPORT_TOO_LARGE: f"it sent a report over its limit{during}",
    }
    if run.stop is not Stop.EXITED:
        return limits[run.stop]
    if run.ended:
        return ""
    full = f"; {run.usage.disk_full} was full" if run.usage.disk_full else ""
    pids = "; the process limit was hit" if run.usage.pids_denied else ""
    return (run.disagreement or f"it ended{during} without a complete report (exit status {run.exit_code})") + full + pids


def judge_channels(patched: SuiteRun, base: SuiteRun) -> Result:
    """Whether the engine, the session and the records tell one story about the patched run."""
    if problem := trouble(patched):
        return _no_evidence(CHANNELS, f"the patched suite: {problem}")
    limits = []
    if patched.usage.disk_full and not base.usage.disk_full:
        limits.append(f"{patched.usage.disk_full} ran full, on the base it did not")
    if patched.usage.pids_denied and not base.usage.pids_denied:
        limits.append(f"the process limit was hit {patched.usage.pids_denied} times, on the base never")
    if limits:
        return _no_evidence(CHANNELS, "the patched suite: " + "; ".join(limits))
    reason = "exit status, session end, totals and records agree"
    return Result(check=CHANNELS, outcome=Outcome.PASS, reason=reason, measured=len(patched.records))


def judge_tests(matter: Matter) -> Result:
    """Whether what held on the base still holds (DESIGN §6): broken and untouched fails; broken, edited, own suite green holds.

    What is in quarantine warns. That a test is known as flaky excuses nothing: it is only run again more often.
    """
    comparison = matter.comparison
    broken = [pair for pair in comparison.broken if not matter.excuses(pair)]
    if solid := [pair for pair in broken if pair.id not in matter.shaky]:
        return lost(TESTS, "breaks", "tests.broken", solid, matter)
    if broken:
        reason = f"{broken[0].id} is flaky on the base and now fails every time"
        findings = _findings(broken, "tests.broken", matter)
        return Result(check=TESTS, outcome=Outcome.HOLD, reason=reason, measured=len(findings), limit=0, findings=findings)
    if loose := [pair for pair in comparison.flaky if pair.id not in matter.shaky and not matter.excuses(pair)]:
        reason = f"{loose[0].id} failed and then passed when run again; on the base it never failed"
        findings = _findings(loose, "tests.flaky", matter)
        return Result(check=TESTS, outcome=Outcome.HOLD, reason=reason, measured=len(loose), limit=0, findings=findings)
    if comparison.broken or comparison.flaky:
        return _shaky(matter)
    fixed = f", {len(comparison.fixed)} fixed" if comparison.fixed else ""
    return Result(check=TESTS, outcome=Outcome.PASS, reason=f"every test that held on the base holds{fixed}", measured=0, limit=0)


def _shaky(matter: Matter) -> Result:
    """The answer where all that fails is in quarantine, or is flaky on the base, too."""
    failing = (*matter.comparison.broken, *matter.comparison.flaky)
    set_aside = [pair for pair in failing if matter.excuses(pair)]
    reason = f"{len(failing)} tests are flaky, on the base too"
    if set_aside:
        others = f", and {_count(set_aside[1:])} more in quarantine" if len(set_aside) > 1 else ""
        reason = f"{set_aside[0].id} fails, {matter.quarantine.told(set_aside[0].id)}{others}"
    findings = (
        *_findings(set_aside, "tests.quarantined", matter, Severity.WARNING),
        *_findings([pair for pair in failing if pair not in set_aside], "tests.flaky", matter, Severity.WARNING),
    )
    return Result(check=TESTS, outcome=Outcome.WARN, reason=reason, measured=len(failing), findings=findings[:SHOWN])


def judge_inventory(matter: Matter, patched: SuiteRun) -> Result:
    """Whether every test of the base gave an explicit result, and none is newly skipped."""
    gone = (*matter.comparison.missing, *matter.comparison.skipped)
    if not gone:
        return Result(check=INVENTORY, outcome=Outcome.PASS, reason="every test of the base gave a result", measured=0, limit=0)
    if not patched.ended:
        reason = f"{len(gone)} tests of the base gave no result in the patched suite: {trouble(patched)}"
        findings = _findings(gone, "inventory.missing", matter)
        return Result(
            check=INVENTORY, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason, measured=len(gone), limit=0, findings=findings
        )
    answer = lost(INVENTORY, "loses or skips", "inventory.missing", gone, matter)
    if patched.collect_errors:
        error = patched.collect_errors[0]
        return answer.model_copy(update={"reason": f"{answer.reason}: {error.id} cannot be collected: {_last_line(error.text)}"})
    return answer


def lost(check: str, verb: str, rule: str, pairs: Sequence[Pair], matter: Matter) -> Result:
    """The answer for tests of the base that are lost: a person's to compare when the change edits what they expect, else a failure."""
    untouched = [pair for pair in pairs if not sides.touched(pair.path, matter.split, matter.changed)]
    if not untouched and matter.whole is not None and not own_failures(matter.whole, matter):
        reason = f"the change {verb} {_count(pairs)} of the base, but edits what they expect, and its own tests pass: a person must compare"
        return Result(
            check=check, outcome=Outcome.HOLD, reason=reason, measured=len(pairs), limit=0, findings=_findings(pairs, rule, matter)
        )
    shown = untouched or pairs
    said = matter.told(shown[0])
    reason = f"the change {verb} {_count(pairs)} of the base, first {shown[0].id}" + (f" ({said})" if said else "")
    return Result(check=check, outcome=Outcome.FAIL, reason=reason, measured=len(pairs), limit=0, findings=_findings(shown, rule, matter))


def own_failures(own: SuiteRun, matter: Matter) -> tuple[str, ...]:
    """What speaks against the suite with the change's own tests: failing ids that nothing excuses, or its trouble."""
    excused = matter.excused
    failing = tuple(test for test, r in compare.by_id(own).items() if r.outcome.failed and test not in excused and not matter.excuses(r))
    broken_files = tuple(f"{error.id} cannot be collected" for error in own.collect_errors if error.id not in excused)
    problem = trouble(own)
    return failing + broken_files + ((problem,) if problem else ())


def judge_own(own: SuiteRun | None, matter: Matter, flaky: Collection[str] = ()) -> Result:
    """What the change's own tests say; additional evidence that can hold a change and never lets it in."""
    if not matter.split.tests:
        return Result(check=OWN, outcome=Outcome.PASS, reason="the change brings no tests of its own")
    if own is None or not (own.records or own.collect_errors or trouble(own)):
        return _no_evidence(OWN, "with the change's own tests, the suite gave no result at all")
    if against := own_failures(own, matter):
        reason = f"the suite with the change's own tests is not green: {against[0]}"
        findings = tuple(_finding(test.partition("::")[0], "own-tests.failing", test) for test in against[:SHOWN])
        return Result(check=OWN, outcome=Outcome.HOLD, reason=reason, measured=len(against), limit=0, findings=findings)
    if removed := matter.removed:
        reason = f"the change removes or skips {_count(removed)} that held on the base, first {removed[0].id}: a person must look"
        findings = _findings(removed, "own-tests.removed", matter)
        return Result(check=OWN, outcome=Outcome.HOLD, reason=reason, measured=len(removed), limit=0, findings=findings)
    return _green_own(matter, flaky)


def _green_own(matter: Matter, flaky: Collection[str]) -> Result:
    if flaky:
        findings = tuple(_finding(test.partition("::")[0], "own-tests.flaky", test, Severity.WARNING) for test in sorted(flaky)[:SHOWN])
        reason = f"{findings[0].message} failed and then passed when run again, with the change's own tests"
        return Result(check=OWN, outcome=Outcome.WARN, reason=reason, measured=len(flaky), findings=findings)
    added = f"{_count(matter.comparison.new)} added" if matter.comparison.new else "none added"
    return Result(check=OWN, outcome=Outcome.PASS, reason=f"green with the change's own tests ({added})", measured=0, limit=0)


def _count(pairs: Sequence[Pair]) -> str:
    return f"{len(pairs)} test{'s' if len(pairs) != 1 else ''}"


def _findings(pairs: Sequence[Pair], rule: str, matter: Matter, severity: Severity = Severity.ERROR) -> tuple[Finding, ...]:
    return tuple(_finding(pair.path or pair.id.partition("::")[0], rule, _line(pair, matter), severity) for pair in pairs[:SHOWN])


def _line(pair: Pair, matter: Matter) -> str:
    return "; ".join(filter(None, (f"{pair.id}: {_name(pair.base)} -> {_name(pair.patched)}", matter.told(pair))))


def _name(outcome: TestOutcome | None) -> str:
    return outcome.value if outcome else "no result"


def _finding(path: str, rule: str, message: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(path=path, rule=rule, message=message, severity=severity)
