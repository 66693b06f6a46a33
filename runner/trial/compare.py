"""Base results against patched results, test by test."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from runner.model.suite import Comparison, Pair, SuiteRun, SuiteSummary, TestOutcome, TestRecord


def by_id(run: SuiteRun) -> dict[str, TestRecord]:
    """Records by id; of several for one id the worst, so that a second record can never mend a first."""
    worst: dict[str, TestRecord] = {}
    for record in run.records:
        known = worst.get(record.id)
        if known is None or record.outcome.rank > known.outcome.rank:
            worst[record.id] = record
    return worst


def function(test_id: str) -> str:
    """A test id without its parameters."""
    return test_id.partition("[")[0]


def unstable_functions(base: Sequence[SuiteRun]) -> frozenset[str]:
    """Test functions whose ids are not the same in every base run, e.g. because a time or an address is in the name."""
    ids = [frozenset(by_id(run)) for run in base]
    everywhere = frozenset[str].intersection(*ids) if ids else frozenset()
    return frozenset(function(test) for some in ids for test in some - everywhere)


def flaky_on_base(base: Sequence[SuiteRun]) -> frozenset[str]:
    """Ids that had different outcomes in the base runs."""
    runs = [by_id(run) for run in base]
    return frozenset(test for test in runs[0] if len({run[test].outcome for run in runs if test in run}) > 1) if runs else frozenset()


def excused_by_base(base: Sequence[SuiteRun]) -> frozenset[str]:
    """Ids that may fail later without any fault of a change: they fail, waver or cannot be collected on the base."""
    failing = {test for run in base for test, record in by_id(run).items() if record.outcome.failed}
    return flaky_on_base(base) | failing | {error.id for run in base for error in run.collect_errors}


def summary(run: SuiteRun, *, cached: bool = False) -> SuiteSummary:
    """Totals of one run."""
    outcomes = Counter(record.outcome for record in by_id(run).values())
    return SuiteSummary(
        tests=sum(outcomes.values()),
        passed=sum(outcomes[outcome] for outcome in TestOutcome if outcome.held),
        failed=sum(outcomes[outcome] for outcome in TestOutcome if outcome.failed),
        skipped=outcomes[TestOutcome.SKIPPED],
        seconds=round(run.usage.seconds, 3),
        cached=cached,
        runner=run.runner,
        stop=run.stop,
        usage=run.usage,
    )


def suspects(base: Sequence[SuiteRun], patched: SuiteRun) -> tuple[str, ...]:
    """Ids that held in a base run and fail on the patched side: to be run again before anyone calls them broken."""
    before, after, unstable = by_id(base[0]), by_id(patched), unstable_functions(base)
    held = {test for test, record in before.items() if record.outcome.held} | flaky_on_base(base)
    return tuple(
        test for test in before if test in held and function(test) not in unstable and test in after and after[test].outcome.failed
    )


def removed(base: Sequence[SuiteRun], own: SuiteRun) -> tuple[Pair, ...]:
    """Tests that held on the base and that the suite with the change's own tests lacks or no longer runs."""
    before, after, unstable = by_id(base[0]), by_id(own), unstable_functions(base)
    lost = [test for test, old in before.items() if old.outcome.held and function(test) not in unstable]
    pairs = (
        _pair(test, before[test], after.get(test))
        for test in lost
        if test not in after or not (after[test].outcome.failed or as_good(before[test], after[test]))
    )
    return tuple(pairs)


def own_doubts(base: Sequence[SuiteRun], own: SuiteRun) -> tuple[str, ...]:
    """Ids that fail in the suite with the change's own tests and that the base does not excuse."""
    excused = excused_by_base(base)
    return tuple(test for test, record in by_id(own).items() if record.outcome.failed and test not in excused)


def compare(
    base: Sequence[SuiteRun],
    patched: SuiteRun,
    *,
    steady: Mapping[str, bool],
    own: SuiteRun | None = None,
    base_cached: bool = False,
    tests_side: Iterable[str] = (),
    source_side: Iterable[str] = (),
) -> Comparison:
    """Compare per id (DESIGN §6). `steady` says of a suspect whether it failed again (True) or passed alone and in full (False)."""
    before, after = by_id(base[0]), by_id(patched)
    unstable, shaky = unstable_functions(base), flaky_on_base(base)
    lists: dict[str, list[Pair]] = {name: [] for name in ("broken", "fixed", "missing", "skipped", "still_failing", "flaky")}
    for test, old in before.items():
        if function(test) in unstable:
            continue
        new = after.get(test)
        kind = _kind(test, old, new, shaky, steady)
        if kind:
            lists[kind].append(_pair(test, old, new))
    for name, pairs in _unstable_pairs(base, after, unstable).items():
        lists[name].extend(pairs)
    own_new = [_pair(test, None, record) for test, record in by_id(own).items() if test not in before] if own else []
    return Comparison(
        base=summary(base[0], cached=base_cached),
        patched=summary(patched),
        own=summary(own) if own else None,
        new=tuple(own_new),
        tests_side=tuple(tests_side),
        source_side=tuple(source_side),
        touched=(),
        **{name: tuple(pairs) for name, pairs in lists.items()},
    )


def _kind(test: str, old: TestRecord, new: TestRecord | None, shaky: frozenset[str], steady: Mapping[str, bool]) -> str | None:
    """The list a stable id belongs to, or `None` when it is as it was."""
    held_once = old.outcome.held or test in shaky
    if new is None:
        return "missing" if held_once else None
    if new.outcome.failed:
        if test in shaky:
            return "broken" if steady.get(test, True) else "flaky"
        if old.outcome.failed:
            return "still_failing"
        return "broken" if steady.get(test, True) else "flaky"
    if held_once and not as_good(old, new):
        return "skipped"
    return "fixed" if old.outcome.failed and new.outcome.held and test not in shaky else None


def as_good(old: TestRecord, new: TestRecord) -> bool:
    """Whether a test that held still ran and met its expectation; source can turn a failure into an expected one."""
    if new.outcome is TestOutcome.XFAILED:
        return old.outcome is TestOutcome.XFAILED
    return new.outcome.held


def _unstable_pairs(base: Sequence[SuiteRun], after: Mapping[str, TestRecord], unstable: frozenset[str]) -> dict[str, list[Pair]]:
    """Functions with unstable ids compare by how many of their cases held, and how many failed."""
    pairs: dict[str, list[Pair]] = {"broken": [], "missing": []}
    for name in sorted(unstable):
        sides = [[r for test, r in by_id(run).items() if function(test) == name] for run in base]
        held, failing = min(_count(side, held=True) for side in sides), max(_count(side, held=False) for side in sides)
        cases = [record for test, record in after.items() if function(test) == name]
        failed = next((record for record in cases if record.outcome.failed), None)
        path = next((r.path for run in base for r in run.records if function(r.id) == name), "")
        if _count(cases, held=True) >= held and _count(cases, held=False) <= failing:
            continue
        outcome = failed.outcome if failed else None
        pair = Pair(id=f"{name}[*]", base=TestOutcome.PASSED, patched=outcome, path=path, text=failed.text if failed else "")
        pairs["broken" if failed else "missing"].append(pair)
    return pairs


def _count(records: Iterable[TestRecord], *, held: bool) -> int:
    return sum(record.outcome in (TestOutcome.PASSED, TestOutcome.XPASSED) if held else record.outcome.failed for record in records)


def _pair(test: str, old: TestRecord | None, new: TestRecord | None) -> Pair:
    known = new or old
    return Pair(
        id=test,
        base=old.outcome if old else None,
        patched=new.outcome if new else None,
        path=known.path if known else "",
        text=new.text if new else "",
    )
