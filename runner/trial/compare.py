"""Base results against patched results, test by test."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from runner.model.suite import Comparison, Pair, SuiteRun, SuiteSummary, TestOutcome, TestRecord

FAILED = frozenset({TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.HUNG, TestOutcome.CRASHED})
_ORDER = ("passed", "xfailed", "xpassed", "skipped", "failed", "error", "hung", "crashed")


def by_id(run: SuiteRun) -> dict[str, TestRecord]:
    """Records by id; of several for one id the worst, so that a second record can never mend a first."""
    worst: dict[str, TestRecord] = {}
    for record in run.records:
        known = worst.get(record.id)
        if known is None or _ORDER.index(record.outcome) > _ORDER.index(known.outcome):
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


def summary(run: SuiteRun, *, cached: bool = False) -> SuiteSummary:
    """Totals of one run."""
    outcomes = Counter(record.outcome for record in by_id(run).values())
    return SuiteSummary(
        tests=sum(outcomes.values()),
        passed=sum(outcomes[outcome] for outcome in TestOutcome if outcome.held),
        failed=sum(outcomes[outcome] for outcome in FAILED),
        skipped=outcomes[TestOutcome.SKIPPED],
        seconds=round(run.usage.seconds, 3),
        cached=cached,
        runner=run.runner,
        stop=run.stop,
        usage=run.usage,
    )


def suspects(base: Sequence[SuiteRun], patched: SuiteRun) -> tuple[str, ...]:
    """Ids that held in every base run and fail on the patched side: to be run again before anyone calls them broken."""
    before, after, unstable = by_id(base[0]), by_id(patched), unstable_functions(base)
    shaky = flaky_on_base(base)
    return tuple(
        test
        for test, record in before.items()
        if record.outcome.held and test not in shaky and function(test) not in unstable and test in after and after[test].outcome in FAILED
    )


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
        **{name: tuple(pairs) for name, pairs in lists.items()},
    )


def _kind(test: str, old: TestRecord, new: TestRecord | None, shaky: frozenset[str], steady: Mapping[str, bool]) -> str | None:
    """The list a stable id belongs to, or `None` when it is as it was."""
    if test in shaky:
        return "flaky" if new is None or not new.outcome.held else None
    if new is None:
        return "missing" if old.outcome.held else None
    if new.outcome in FAILED:
        if old.outcome in FAILED:
            return "still_failing"
        return "broken" if steady.get(test, True) else "flaky"
    if old.outcome.held and new.outcome is TestOutcome.SKIPPED:
        return "skipped"
    return "fixed" if old.outcome in FAILED and new.outcome.held else None


def _unstable_pairs(base: Sequence[SuiteRun], after: Mapping[str, TestRecord], unstable: frozenset[str]) -> dict[str, list[Pair]]:
    """Functions with unstable ids compare by how many of their cases held."""
    pairs: dict[str, list[Pair]] = {"broken": [], "missing": []}
    for name in sorted(unstable):
        held = [sum(r.outcome.held for test, r in by_id(run).items() if function(test) == name) for run in base]
        cases = [record for test, record in after.items() if function(test) == name]
        failed = next((record for record in cases if record.outcome in FAILED), None)
        path = next((r.path for run in base for r in run.records if function(r.id) == name), "")
        if sum(record.outcome.held for record in cases) >= min(held):
            continue
        outcome = failed.outcome if failed else None
        pair = Pair(id=f"{name}[*]", base=TestOutcome.PASSED, patched=outcome, path=path, text=failed.text if failed else "")
        pairs["broken" if failed else "missing"].append(pair)
    return pairs


def _pair(test: str, old: TestRecord | None, new: TestRecord | None) -> Pair:
    known = new or old
    return Pair(
        id=test,
        base=old.outcome if old else None,
        patched=new.outcome if new else None,
        path=known.path if known else "",
        text=new.text if new else "",
    )
