"""Validation layer `load`: the changed modules import in a fresh interpreter, and the suite still collects what the base's did."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.suite import Stop, SuiteRun
from runner.model.units import Duration
from runner.model.value import Value
from runner.trial import judge
from runner.trial.imports import SILENT, Answer
from runner.trial.judge import Matter
from runner.trial.origin import WORK

CHECK = "load"
_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.HOLD, Outcome.WARN)
_BUGS = frozenset(
    [
        "AssertionError",
        "AttributeError",
        "ImportError",
        "IndentationError",
        "IndexError",
        "ModuleNotFoundError",
        "NameError",
        "RecursionError",
        "SyntaxError",
        "TabError",
        "TypeError",
        "UnboundLocalError",
        "ZeroDivisionError",
    ]
)
"""Exceptions that speak of the program; others may speak of what the sandbox lacks: files, variables, settings, a network."""


class Options(Value):
    """How changed modules are imported."""

    timeout: Duration = 20.0
    """What all changed modules together may take to import; each of those that failed gets as much again, alone."""
    skip: tuple[str, ...] = ()
    """Modules that are not imported, and all below them, by dotted name."""

    def wants(self, module: str) -> bool:
        """Whether a module is to be imported."""
        return not any(module == name or module.startswith(name + ".") for name in self.skip)


@dataclass(frozen=True)
class Imports:
    """How the imports went: all changed modules together, and those that failed there again, each alone, on both sides."""

    modules: Mapping[str, str]
    """Paths by module name."""
    together: Mapping[str, Answer]
    patched: Mapping[str, Answer] = field(default_factory=dict)
    base: Mapping[str, Answer] = field(default_factory=dict)
    """Modules that the base has, too."""
    neighbours: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    """For a new module, how those fare that lie beside it on the base."""
    at_hand: frozenset[str] = frozenset()
    """Top-level names that failing modules lacked and that either tree provides."""
    in_suite: frozenset[str] = frozenset()
    """Paths that the patched suite imported."""


class _Word(NamedTuple):
    outcome: Outcome
    reason: str
    findings: tuple[Finding, ...] = ()


def suspects(together: Mapping[str, Answer]) -> tuple[str, ...]:
    """Modules that did not import in company and are asked again alone."""
    return tuple(name for name, answer in together.items() if answer.state != "imported")


def judge_load(imports: Imports | None, matter: Matter, base: Sequence[SuiteRun], runs: Sequence[SuiteRun], *, python: bool) -> Result:
    """The layer's answer.

    `imports` is `None` where the suite is not known to be Python's; `python` tells whether the change has Python source all the
    same. `runs` are the patched suite and, when its process ended before it had collected anything, a second run of it.
    """
    words = [*_imported(imports, python=python), _collected(matter, base, runs)]
    worst = next((word for outcome in _WORST_FIRST for word in words if word.outcome is outcome), None)
    reason = worst.reason if worst else "; ".join(word.reason for word in words)
    return Result(
        check=CHECK,
        outcome=worst.outcome if worst else Outcome.PASS,
        cause=Cause.EVIDENCE if worst and worst.outcome is Outcome.UNKNOWN else None,
        reason=reason,
        measured=len(runs[0].collected),
        limit=len(base[0].collected),
        findings=tuple(finding for word in words for finding in word.findings)[: judge.SHOWN],
    )


def _imported(imports: Imports | None, *, python: bool) -> Iterable[_Word]:
    if imports is None:
        said = "this kind of suite does not tell its interpreter: whether the changed Python modules import was not tried"
        yield _Word(Outcome.WARN, said) if python else _Word(Outcome.PASS, "the change has no Python module to import")
        return
    yield from _elsewhere(imports)
    failing = [_failing(name, imports) for name in imports.modules if imports.together.get(name, SILENT).state != "imported"]
    yield from failing
    notes = sum(word.outcome is Outcome.PASS and bool(word.findings) for word in failing)
    count = len(imports.modules) - notes
    as_before = f", {notes} fail as on the base" if notes else ""
    what = f"{count} changed module{'s' if count != 1 else ''} import{'' if count != 1 else 's'} in a fresh interpreter{as_before}"
    failing = [word for word in failing if word.outcome is not Outcome.PASS]
    if not failing:
        yield _Word(Outcome.PASS, what if imports.modules else "the change has no module to import")


def _elsewhere(imports: Imports) -> Iterable[_Word]:
    """Modules that were imported from outside the working copy, such as an installed release: the change's were not tried."""
    for name, answer in imports.together.items():
        if answer.state == "imported" and not answer.file.startswith(WORK + "/"):
            said = f"{name} was imported from {answer.file or 'no file'}, not from the working copy"
            yield _word(Outcome.WARN, "load.elsewhere", name, said, imports)


def _failing(name: str, imports: Imports) -> _Word:
    """What is to be said of a module that did not import in company."""
    now, before = imports.patched.get(name, SILENT), imports.base.get(name)
    if now.state == "imported":
        return _Word(Outcome.PASS, "")
    if now.state == "silent" or (before is not None and before.state == "silent"):
        side = "" if now.state == "silent" else " on the base"
        return _word(Outcome.UNKNOWN, "load.no-answer", name, f"whether {name} imports{side} could not be found out", imports)
    if before is not None and before.state != "imported":
        return _word(Outcome.PASS, "load.as-before", name, f"{name} does not import alone, on the base neither: {_how(before)}", imports)
    since = "it did on the base" if before is not None else "the module is new"
    said = f"{name} does not import ({since}): {_how(now)}"
    if now.state == "raised" and now.error != "SystemExit":
        if _is_foreign(now, imports.at_hand):
            lack = "which the image does not have" if now.error == "ModuleNotFoundError" else "and not as the image has it"
            reason = f"{name} needs {now.needs}, {lack}: {_how(now)}"
            return _word(Outcome.HOLD, "load.needs", name, reason, imports)
        if before is None:
            return _new(name, now, said, imports)
    rule = "load.exit" if _exits(now) else "load.hangs" if now.state == "hung" else "load.import"
    return _word(Outcome.FAIL, rule, name, said, imports)


def _new(name: str, now: Answer, said: str, imports: Imports) -> _Word:
    """A new module that raised: there is nothing to compare with but what lies beside it."""
    if any((other.state, other.error) == ("raised", now.error) for other in imports.neighbours.get(name, ())):
        return _word(Outcome.PASS, "load.as-before", name, f"{name} does not import alone, nor do modules beside it on the base", imports)
    if imports.modules[name] in imports.in_suite:
        return _word(Outcome.HOLD, "load.import", name, f"{said}; the suite imports it, in other company", imports)
    if now.error not in _BUGS:
        return _word(Outcome.HOLD, "load.import", name, f"{said}; the sandbox may lack what it needs", imports)
    return _word(Outcome.FAIL, "load.import", name, said, imports)


def _is_foreign(answer: Answer, at_hand: Collection[str]) -> bool:
    """Whether an import failed for want of something that neither tree provides; a standard module exists, or is the image's to have."""
    top = answer.needs.partition(".")[0]
    if not top or top in at_hand:
        return False
    return top not in sys.stdlib_module_names or answer.error == "ModuleNotFoundError"


def _exits(answer: Answer) -> bool:
    return answer.state == "ended" or answer.error == "SystemExit"


def _how(answer: Answer) -> str:
    if answer.state == "hung":
        return f"it was stopped after {answer.seconds:.1f}s"
    if answer.state == "ended":
        return f"it ends the process with status {answer.status}"
    message = f": {answer.message}" if answer.message else ""
    place = f" at {answer.place}" if answer.place else ""
    return f"{answer.error}{message}{place}"


def _word(outcome: Outcome, rule: str, name: str, said: str, imports: Imports) -> _Word:
    severity = {Outcome.FAIL: Severity.ERROR, Outcome.PASS: Severity.INFO}.get(outcome, Severity.WARNING)
    path = imports.modules[name]
    file, _, line = imports.patched.get(name, SILENT).place.rpartition(":")
    at = int(line) if file == path and line.isdecimal() and len(line) < 8 else None  # noqa: PLR2004  no file has more lines
    return _Word(outcome, said, (Finding(path=path, rule=rule, message=said, line=at, severity=severity),))


def _collected(matter: Matter, base: Sequence[SuiteRun], runs: Sequence[SuiteRun]) -> _Word:
    """Whether the suite collects what the base's did; what is lost is judged as the inventory judges it."""
    patched = runs[0]
    before, now = len(base[0].collected), set(patched.collected)
    if judge.judge_base(base).outcome is Outcome.UNKNOWN:
        return _Word(Outcome.UNKNOWN, judge.no_measure(CHECK).reason)
    gone = [pair for pair in matter.comparison.missing if pair.id not in now]
    if not gone:
        return _Word(Outcome.PASS, f"the suite collects {len(now)} tests, of the base's {before} none is gone")
    if patched.ended:
        answer = judge.lost(CHECK, "no longer collects", "load.collection", gone, matter)
        return _Word(answer.outcome, answer.reason)  # the inventory shows which
    said = f"the suite collects {len(now)} tests, {before} on the base: {judge.trouble(patched)}"
    own_collects = matter.whole is not patched and matter.whole is not None and bool(matter.whole.collected)
    if len(runs) > 1 and all(ended_early(run) for run in runs) and not own_collects:
        return _Word(Outcome.FAIL, f"the suite no longer collects, twice in a row; {said}")
    return _Word(Outcome.UNKNOWN, said)


def ended_early(run: SuiteRun) -> bool:
    """Whether a suite's process ended by itself before it had collected anything, with nothing outside it to blame."""
    used = run.usage
    return run.stop is Stop.EXITED and not run.ended and not run.collected and not used.disk_full and not used.pids_denied
