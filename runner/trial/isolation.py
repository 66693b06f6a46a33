"""Whether each test file can have a process of its own: only where the base's suite gives the same that way, and soon enough."""

from collections.abc import Sequence

from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.suite import SuiteRun
from runner.model.units import show_duration
from runner.model.value import Value
from runner.trial.compare import by_id, flaky_on_base, function, unstable_functions

CHECK = "isolation"
FACTOR, GRACE = 2.0, 6.0
"""How much longer than in one process the base's suite may take that way: twice, or 6 s."""
_SHOWN = 20


class Isolation(Value):
    """What came of it."""

    files: tuple[str, ...] = ()
    """The test files that have a process of their own each; empty: one process for all."""
    why: str = ""
    """Why not, as a clause; empty where it was not asked for, too."""
    differing: tuple[str, ...] = ()
    """Tests that give something else that way on the base."""


def differing(whole: Sequence[SuiteRun], apart: SuiteRun) -> tuple[str, ...]:
    """Tests whose outcome on the base is not the same in one process and apart, beyond what wavers in one process alone."""
    one, other = by_id(whole[0]), by_id(apart)
    shaky, unstable = flaky_on_base(whole), unstable_functions(whole)
    return tuple(
        test
        for test in dict.fromkeys((*one, *other))
        if test not in shaky
        and function(test) not in unstable
        and (one[test].outcome if test in one else None) is not (other[test].outcome if test in other else None)
    )


def isolation(whole: Sequence[SuiteRun], apart: SuiteRun, files: tuple[str, ...]) -> Isolation:
    """Whether the files may have a process each, by runs of the base in one process and by one apart."""
    seconds, limit = apart.usage.seconds, max(FACTOR * whole[0].usage.seconds, whole[0].usage.seconds + GRACE)
    if not apart.ended:
        return Isolation(why=f"that way the base's suite gives no complete report: {apart.disagreement or apart.stop.value}")
    if wrong := differing(whole, apart):
        return Isolation(why=f"that way {len(wrong)} tests of the base give something else, first {wrong[0]}", differing=wrong)
    if seconds > limit:
        took = show_duration(round(seconds, 1))
        return Isolation(
            why=f"that way the base's suite takes {took}, and {show_duration(round(whole[0].usage.seconds, 1))} in one process"
        )
    return Isolation(files=files)


def judge(found: Isolation, asked: str) -> Result:
    """The answer for the report."""
    if found.files:
        reason = f"each of {len(found.files)} test files ran in a process of its own"
        return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(found.files))
    if not found.why:
        return Result(check=CHECK, outcome=Outcome.PASS, reason="all tests share one process: nothing else was asked for, or can be had")
    reason = f"all tests share one process: {found.why}"
    findings = tuple(
        Finding(path=test.partition("::")[0], rule="isolation.differs", message=test, severity=Severity.WARNING)
        for test in found.differing[:_SHOWN]
    )
    if asked == "per-file":
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason, findings=findings)
    return Result(check=CHECK, outcome=Outcome.WARN, reason=reason, findings=findings)
