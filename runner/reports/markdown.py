"""GitHub-flavoured Markdown for a step summary or a comment: at most `MOST_LINES` lines before anything is unfolded.

One rule keeps foreign text harmless: it stands in code spans and code blocks only, where Markdown knows no HTML, links or mentions.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from runner.model.result import Outcome, Result
from runner.model.suite import SuiteSummary
from runner.model.text import cut, printable
from runner.model.units import show_duration, show_size
from runner.reports.headline import count, exit_sentence, subject, word
from runner.reports.remarks import ORDER, Remark, assertion, remarks
from runner.reports.report import PairReport, Report
from runner.reports.touched import shown

MOST_LINES: Final = 60
"""Lines of the source outside of folded parts; each folded part counts as one."""
MOST_CHARACTERS: Final = 60_000
"""Of the whole: a comment on GitHub holds 65 536, a step summary a mebibyte."""
_MARKS: Final = {"accepted": "✅", "confirmed": "✅", "rejected": "❌", "held": "✋", "rolled back": "↩️", "stuck": "🛑"}
_EVIDENCE: Final = ("broken", "missing", "skipped", "flaky")
_OTHER: Final = {"still_failing": "fails on the base too", "fixed": "fixed", "new": "new"}
_TITLES: Final = {"broken": "broke", "missing": "gone", "skipped": "newly skipped", "flaky": "flaky", **_OTHER}
_ROWS, _FOLDED_ROWS, _LINES, _FOLDED_LINES, _FAILURES, _TOUCHED = 8, 100, 10, 40, 10, 20
_CELL, _WIDE = 200, 160


def render(report: Report) -> str:
    """The verdict and why, the first failure, what differs, the checks that did not pass, folded details, and what to type next."""
    seen = "\n".join((*_head(report), *_first_failure(report), *_differences(report), *_checks(report)))
    next_ = f"\n**Next:** {code(report.next)}\n"
    room = MOST_CHARACTERS - len(seen) - len(next_)
    folded: list[str] = []
    left_out: list[str] = []
    for title, lines in _folded(report):
        part = "\n".join(("<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", ""))
        if len(part) <= room:
            folded.append(part)
            room -= len(part)
        else:
            left_out.append(title)
    said = f"\nToo long to show here: {', '.join(left_out)}.\n" if left_out else ""
    return f"{seen}\n{''.join(folded)}{said}{next_}"


def code(text: str, most: int = _CELL) -> str:
    """The text as one code span that nothing in it can end."""
    shown = cut(printable(text), most)
    if not shown.strip():
        return "-"
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, most: int = _CELL) -> str:
    """A code span for a table, where a bar would end the cell even inside of code."""
    return re.sub(r"(\\*)\|", lambda bar: f"{bar.group(1)}\\x7c" if bar.group(1) else "\\|", code(text, most))


def block(lines: Iterable[str]) -> list[str]:
    """The lines as a code block that nothing in it can end."""
    shown = [cut(printable(line.rstrip().expandtabs(4)), _WIDE) for line in lines]
    fence = "`" * max(3, _longest_run("\n".join(shown)) + 1)
    return [f"{fence}text", *shown, fence]


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _head(report: Report) -> Iterator[str]:
    change = report.change
    said = word(report)
    yield f"## {_MARKS.get(said, '⚪')} {said.capitalize()}: {code(subject(report))}"
    yield ""
    yield code(report.reason, 500)
    yield ""
    size = f"{count(change.files, 'file')}, +{change.added} -{change.deleted}"
    facts = [f"onto {code(change.base_label)}", size, exit_sentence(report)]
    if report.retry_after is not None:
        facts.append(f"try again in {show_duration(round(report.retry_after, 1))}")
    yield " · ".join(fact for fact in facts if fact)
    yield ""


def _first_failure(report: Report) -> Iterator[str]:
    pair = next((pair for pair in report.tests.pairs if pair.list in _EVIDENCE and pair.text.strip()), None)
    if pair is None:
        return
    said = [line for line in pair.text.strip("\n").split("\n") if line.strip()]
    shown = said[-_LINES:] if any(line.startswith("E ") for line in said[-_LINES:]) else [*assertion(pair), *said[-(_LINES - 3) :]]
    yield f"{code(pair.id)}: {_sides(pair)}"
    yield ""
    yield from block(shown[-_LINES:])
    yield ""


def _differences(report: Report) -> Iterator[str]:
    pairs = [pair for pair in report.tests.pairs if pair.list in _EVIDENCE]
    if not pairs:
        return
    yield from _pairs(pairs[:_ROWS])
    if len(pairs) > _ROWS:
        yield f"| … and {len(pairs) - _ROWS} more | | | |"
    yield ""


def _pairs(pairs: Sequence[PairReport]) -> Iterator[str]:
    yield "| test | | base | with the change |"
    yield "|---|---|---|---|"
    for pair in pairs:
        yield f"| {cell(pair.id)} | {_TITLES.get(pair.list, '-')} | {pair.base or 'no result'} | {pair.patched or 'no result'} |"


def _checks(report: Report) -> Iterator[str]:
    """The checks that did not pass, those that decide first; those that passed are folded."""
    told = sorted((r for r in report.results if r.outcome is not Outcome.PASS), key=lambda result: ORDER.index(result.outcome))
    if not told:
        return
    yield from _results(told[:_ROWS])
    if len(told) > _ROWS:
        yield f"| … | | and {len(told) - _ROWS} more |"
    yield ""


def _results(results: Iterable[Result], *, numbers: bool = False) -> Iterator[str]:
    yield "| outcome | check | reason |" + (" measured | limit |" if numbers else "")
    yield "|---|---|---|" + ("---|---|" if numbers else "")
    for result in results:
        cause = f" ({result.cause})" if result.cause else ""
        row = f"| {_mark(result.outcome)}{cause} | {cell(result.check)} | {cell(result.reason)} |"
        yield row + (f" {_number(result.measured)} | {_number(result.limit)} |" if numbers else "")


def _mark(outcome: Outcome) -> str:
    return f"**{outcome}**" if outcome is Outcome.FAIL else str(outcome)


def _number(value: float | str | None) -> str:
    return "" if value is None else cell(value, 40) if isinstance(value, str) else f"{value:g}"


def _folded(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Titles are our own words and numbers: a summary is HTML."""
    failures = [pair for pair in report.tests.pairs if pair.list in _EVIDENCE and pair.text.strip()][:_FAILURES]
    if found := [remark for remark in remarks(report) if remark.path]:
        yield f"Findings: {len(found)}", list(_findings(found))
    if report.results:
        passed = sum(result.outcome is Outcome.PASS for result in report.results)
        yield f"All checks: {passed} of {len(report.results)} passed", list(_results(report.results[:_FOLDED_ROWS], numbers=True))
    if tests := list(_suites(report)):
        sides = ((report.tests.base, "on the base"), (report.tests.patched, "with the change"))
        numbers = ", ".join(f"{side.tests} {where}" for side, where in sides if side)
        yield f"Tests: {numbers}" if numbers else "Tests", tests
    if touched := report.tests.touched:
        yield f"Tests that the change touches: {len(touched)}", list(_touched(report))
    if len(failures) > 1 or any(pair.text.count("\n") > _LINES for pair in failures):
        yield f"What failing tests said: {len(failures)}", [line for pair in failures for line in _failure(pair)][:-1]
    spent = f" ({sum(report.timings.values()):.1f}s)" if report.timings else ""
    yield f"Time{spent}, sandbox and policy", list(_facts(report))


def _findings(found: Sequence[Remark]) -> Iterator[str]:
    yield "| | place | finding | rule |"
    yield "|---|---|---|---|"
    for remark in found[:_FOLDED_ROWS]:
        place = f"{remark.path}:{remark.line}" if remark.line else remark.path
        fix = f" fix: {cell(remark.fix)}" if remark.fix else ""
        yield f"| {remark.level.name.lower()} | {cell(place)} | {cell(remark.message)}{fix} | {cell(remark.rule)} |"
    if len(found) > _FOLDED_ROWS:
        yield f"| | … | and {len(found) - _FOLDED_ROWS} more | |"


def _suites(report: Report) -> Iterator[str]:
    tests = report.tests
    sides = [
        (name, side) for name, side in (("base", tests.base), ("with the change", tests.patched), ("with its own tests", tests.own)) if side
    ]
    if sides:
        yield "| suite | tests | passed | failed | skipped | time | memory | runner |"
        yield "|---|---|---|---|---|---|---|---|"
        yield from (_suite(name, side) for name, side in sides)
        yield ""
    pairs = [pair for pair in tests.pairs if pair.list in _OTHER or pair.list in _EVIDENCE]
    if pairs:
        yield from _pairs(pairs[:_FOLDED_ROWS])
        if len(pairs) > _FOLDED_ROWS:
            yield f"| … and {len(pairs) - _FOLDED_ROWS} more | | | |"
        yield ""
    if tests.tests_side:
        yield "Taken from the base, not from the change: " + ", ".join(code(path) for path in tests.tests_side[:_FOLDED_ROWS])


def _touched(report: Report) -> Iterator[str]:
    yield "| test | now | base | with the change | its own version | what is said of it |"
    yield "|---|---|---|---|---|---|"
    rows, more = shown(report.tests.touched, _TOUCHED)
    for row in rows:
        sides = " | ".join(outcome or "no result" for outcome in (row.base, row.patched, row.own))
        yield f"| {cell(row.id)} | {row.made} | {sides} | {' '.join(cell(term) for term in row.terms)} |"
    if more:
        yield f"| … and {more} more | | | | | |"


def _suite(name: str, side: SuiteSummary) -> str:
    cached = ", cached" if side.cached else ""
    peak = show_size(side.usage.memory_peak) if side.usage.memory_peak else ""
    numbers = f"{side.tests} | {side.passed} | {side.failed} | {side.skipped} | {side.seconds:.1f}s{cached} | {peak}"
    return f"| {name} | {numbers} | {cell(side.runner)} |"


def _failure(pair: PairReport) -> Iterator[str]:
    yield f"{code(pair.id)}: {_sides(pair)}"
    yield ""
    yield from block(pair.text.strip("\n").split("\n")[-_FOLDED_LINES:])
    yield ""


def _sides(pair: PairReport) -> str:
    return f"{pair.base or 'no result'} → {pair.patched or 'no result'}"


def _facts(report: Report) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    for stage, seconds in report.timings.items():
        yield f"| time | {cell(stage)} {seconds:.2f}s |"
    if report.timings:
        yield f"| time in all | {sum(report.timings.values()):.2f}s |"
    if box := report.sandbox:
        limits = ", ".join(f"{name} {value}" for name, value in box.limits.items())
        yield f"| sandbox | {' '.join(cell(text) for text in (box.image, box.digest[:19], box.runtime, limits) if text)} |"
    if report.level:
        yield f"| level | {cell(report.level, 1200)} |"
    yield f"| policy | {cell(report.policy.source)} (sha256 {cell(report.policy.digest[:12])}) |"
    yield from (f"| note | {cell(note, 500)} |" for note in report.notes[:_FOLDED_ROWS])
    yield f"| run | {cell(report.run)} |"
