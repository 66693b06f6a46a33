"""The report for people: what happened, why, the evidence, where time went, and what to type next."""

from collections.abc import Iterator

from runner.model.promotion import Step
from runner.model.result import Finding, Outcome, Result
from runner.model.said import sentence
from runner.model.suite import Stop, SuiteSummary, Touched
from runner.model.units import show_duration, show_size
from runner.reports.headline import count, subject, word
from runner.reports.lines import Line, line, write
from runner.reports.report import PairReport, Report
from runner.reports.touched import shown

_STYLE = {"pass": "good", "warn": "unsure", "hold": "unsure", "unknown": "unsure", "refuse": "unsure", "fail": "bad"}
_WORDS = {"accepted": "good", "confirmed": "good", "rejected": "bad", "rolled back": "bad", "stuck": "bad", "running": "head"}
_TITLES = {
    "broken": "broke",
    "missing": "gave no result any more",
    "skipped": "newly skipped",
    "flaky": "flaky",
    "still_failing": "fail on the base too",
    "fixed": "fixed",
    "new": "new",
}
_EVIDENCE = ("broken", "missing", "skipped", "flaky")
_MARGIN = 11


class _Bounds:
    """How much is shown."""

    def __init__(self, *, full: bool, numbers: bool) -> None:
        self.findings = 200 if full else 5
        self.ids = 200 if full else 5
        self.touched = 200 if full else 20
        self.failures = 20 if full else 3
        self.failure_lines = 60 if full else 12
        self.full = full
        self.numbers = numbers


def render(report: Report, *, color: bool = False, full: bool = False, numbers: bool = False) -> str:
    """The report as text; `full` shows long lists to (nearly) their end, `numbers` what was measured where a check passed, too."""
    return write(_report(report, _Bounds(full=full, numbers=numbers)), color=color)


def _report(report: Report, bounds: _Bounds) -> Iterator[Line]:
    yield from _headline(report)
    yield from _failures(report, bounds)
    yield from _checks(report, bounds)
    yield from _tests(report, bounds)
    yield from _touched(report, bounds)
    yield line()
    yield from _facts(report, bounds)


def _headline(report: Report) -> Iterator[Line]:
    change = report.change
    said = word(report)
    size = f"{count(change.files, 'file')}, +{change.added} -{change.deleted}"
    yield line((said.upper(), _WORDS.get(said, "unsure")), "  ", (subject(report), "head"), f" onto {change.base_label}  ({size})")
    yield line(report.reason)


def _failures(report: Report, bounds: _Bounds) -> Iterator[Line]:
    """The failing tests with the end of what they said."""
    pairs = [pair for pair in report.tests.pairs if pair.list in _EVIDENCE]
    for pair in pairs[: bounds.failures]:
        yield line()
        yield line("  ", (pair.id, "head"), f"  {_outcome(pair.base)} -> {_outcome(pair.patched)}")
        if pair.note:
            yield line("    ", (pair.note, "unsure"))
        yield from _failure_text(pair, bounds)
    if len(pairs) > bounds.failures:
        yield line()
        yield line((f"  … and {len(pairs) - bounds.failures} more", "dim"))


def _failure_text(pair: PairReport, bounds: _Bounds) -> Iterator[Line]:
    said = pair.text.strip("\n").splitlines()
    if len(said) > bounds.failure_lines:
        yield line(("    | …", "dim"))
    for text in said[-bounds.failure_lines :]:
        yield line(("    | ", "dim"), (text.expandtabs(4), "bad" if text.startswith("E ") else ""))


def _checks(report: Report, bounds: _Bounds) -> Iterator[Line]:
    if not report.results:
        return
    yield line()
    yield line(("checks", "head"))
    width = max(len(result.check) for result in report.results)
    for result in report.results:
        yield _check(result, min(width, 24), numbers=bounds.numbers or result.outcome is not Outcome.PASS)
        shown = bounds.findings if bounds.full or result.outcome is not Outcome.PASS else 0
        yield from (_finding(finding) for finding in result.findings[:shown])
        if shown and len(result.findings) > shown:
            yield line((f"      … and {len(result.findings) - shown} more findings", "dim"))


def _check(result: Result, width: int, *, numbers: bool) -> Line:
    facts = []
    if numbers and result.measured is not None:
        facts.append(f"measured {_number(result.measured)}")
    if numbers and result.limit is not None:
        facts.append(f"limit {_number(result.limit)}")
    if result.policy:
        facts.append(result.policy)
    cause = f" ({result.cause.value})" if result.cause else ""
    beside = f"  [{', '.join(facts)}]" if facts else ""
    return line(
        "  ",
        (f"{result.outcome.value:<8}", _STYLE[result.outcome.value]),
        f"{result.check:<{width}}  {result.reason}{cause}",
        (beside, "dim"),
    )


def _finding(finding: Finding) -> Line:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    fix = f"  (fix: {finding.fix})" if finding.fix else ""
    return line(f"      {place}: {finding.message} ", (f"[{finding.rule}]", "dim"), fix)


def _tests(report: Report, bounds: _Bounds) -> Iterator[Line]:
    tests = report.tests
    sides = [(name, side) for name, side in (("base", tests.base), ("patched", tests.patched), ("own", tests.own)) if side is not None]
    if not sides:
        return
    yield line()
    yield line(("tests", "head"))
    for name, side in sides:
        yield line(f"  {name:<{_MARGIN - 2}}{_side(side)}")
    for name, title in _TITLES.items():
        ids: tuple[str, ...] = getattr(tests, name)
        if ids:
            yield line(f"  {count(len(ids), 'test')} {title}: {', '.join(ids[: bounds.ids])}{', …' if len(ids) > bounds.ids else ''}")
    if tests.tests_side:
        shown = ", ".join(tests.tests_side[: bounds.ids]) + (", …" if len(tests.tests_side) > bounds.ids else "")
        yield line(f"  taken from the base, not from the change: {shown}")


def _touched(report: Report, bounds: _Bounds) -> Iterator[Line]:
    """Each test that the change touches: what it made of it, and what came of the base's version and of its own."""
    touched = report.tests.touched
    if not touched:
        return
    rows, more = shown(touched, bounds.touched)
    yield line()
    yield line(("tests that the change touches", "head"))
    yield from (_touched_row(row) for row in rows)
    if more:
        yield line((f"  … and {more} more", "dim"))


def _touched_row(row: Touched) -> Line:
    sides = f"{_outcome(row.base)} -> {_outcome(row.patched)}, its own version: {_outcome(row.own)}"
    said = (f"  {'; '.join(row.terms)}", "unsure") if row.terms else ""
    return line(f"  {row.made.value:<14}  ", (row.id, "head"), f"  {sides}", said)


def _side(side: SuiteSummary) -> str:
    parts = [f"{number} {word}" for number, word in ((side.passed, "passed"), (side.failed, "failed"), (side.skipped, "skipped")) if number]
    usage = [f"{side.seconds:.1f}s"]
    if side.usage.memory_peak:
        usage.append(f"peak {show_size(side.usage.memory_peak)}")
    if side.usage.cpu_seconds is not None:
        usage.append(f"cpu {side.usage.cpu_seconds:.1f}s")
    if side.cached:
        usage.append("from the cache")
    stop = f"  {side.stop.value}!" if side.stop is not Stop.EXITED else ""
    runner = f"  {side.runner}" if side.runner else ""
    return f"{count(side.tests, 'test')}: {', '.join(parts) or 'no result'}  ({', '.join(usage)}){runner}{stop}"


def _promotion(report: Report) -> Iterator[Line]:
    """Where the change is, and what its way there and back took."""
    if (made := report.promotion) is not None:
        way = f"{made.before[:12]} -> {made.after[:12]}" + (f", commit {made.commit[:12]}" if made.commit else "")
        yield _fact("target", f"{made.target}  ({made.step.value.replace('_', ' ')}, {made.method or 'nothing done'}: {way})")
        if made.mixed:
            yield _fact("", "it was made file by file: readers could see a mix of both trees meanwhile")
        if made.step is Step.PROMOTED and made.deadline:
            yield _fact("deadline", f"{made.deadline}: then it is taken back unless it was confirmed")
        spans = [(made.detection, "from the promotion to the decision"), (made.recovery, "from there until the target was read again")]
        if told := [f"{seconds:.2f}s {what}" for seconds, what in spans if seconds is not None]:
            yield _fact("rollback", ", ".join(told))
    if (kept := report.backup) is not None:
        yield _fact("backup", f"{kept.id[:12]}  ({count(kept.files, 'file')}, {show_size(kept.size)})")


def _facts(report: Report, bounds: _Bounds) -> Iterator[Line]:
    yield from _promotion(report)
    for said in report.decisions:
        yield _fact("said", sentence(said))
    if report.timings:
        spent = " · ".join(f"{stage} {seconds:.2f}s" for stage, seconds in report.timings.items())
        yield _fact("time", f"{spent}  (total {sum(report.timings.values()):.2f}s)")
    if box := report.sandbox:
        limits = ", ".join(f"{name} {value}" for name, value in box.limits.items())
        parts = (box.image, box.digest[:19], box.runtime, box.working_copy and f"working copy: {box.working_copy}", limits)
        yield _fact("sandbox", " · ".join(part for part in parts if part))
        if bounds.full and box.in_force:
            yield _fact("in force", ", ".join(f"{name}={value}" for name, value in box.in_force.items()))
    if report.level:
        yield _fact("level", report.level)
    yield _fact("policy", f"{report.policy.source}  (sha256 {report.policy.digest[:12]})")
    for note in report.notes:
        yield _fact("note", note)
    if report.retry_after is not None:
        yield _fact("retry", f"in {show_duration(round(report.retry_after, 1))}")
    yield _fact("run", report.run)
    yield line((f"{'next':<{_MARGIN}}", "dim"), (report.next, "head"))


def _fact(name: str, text: str) -> Line:
    return line((f"{name:<{_MARGIN}}", "dim"), text)


def _outcome(outcome: object) -> str:
    return str(outcome) if outcome is not None else "no result"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
