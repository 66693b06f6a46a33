"""All controls of one change: the base's recording, what each control asks for, and the answers, in the order of their measured gain."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from runner.controls import docstrings as documented
from runner.controls import probing, recording, tripwires
from runner.controls.asking import UNPROVEN, Answer, Asking, OverdueError, left_open, unproven
from runner.controls.checks import coverage, dead_body, docstrings, mutants, probe, revert, twins
from runner.controls.elsewhere import Asker
from runner.controls.modules import data_folders, modules_of
from runner.controls.options import NAMES, Controls
from runner.controls.subject import ChangedFile, Subject, changed_files, seed_for
from runner.errors import InfrastructureError
from runner.model.change import Change
from runner.model.result import Cause, Outcome, Result
from runner.model.text import printable
from runner.ports import Importer
from runner.trial.bench import Bench
from runner.trial.experiment import SIDE_BY_SIDE, Evidence
from runner.trial.sides import Sides

CHECK = "controls"
"""The check that says which controls ran."""
_OF_DATA = (probing.CHECK, documented.CHECK)
"""The controls that ask where data were changed and no code."""
_IN_SUITE: Mapping[str, Callable[[Asking], Answer]] = {
    twins.CHECK: twins.begin,
    dead_body.CHECK: dead_body.begin,
    revert.CHECK: revert.begin,
    coverage.CHECK: coverage.begin,
    mutants.CHECK: mutants.begin,
}


@dataclass(frozen=True)
class Tried:
    """A trial that left nothing broken: what controls are about."""

    change: Change
    verdict_tree: str
    split: Sides
    """Which changed paths were taken from the change, and which from the base."""
    evidence: Evidence


def control(bench: Bench, tried: Tried, options: Controls) -> tuple[Result, ...]:
    """An answer of each control that the policy names, and one that says which ran."""
    if not options.run:
        return (_none("the policy turns all of them off", Outcome.WARN),)
    importer = bench.ports.suite.importer()
    if importer is None or not bench.ports.suite.tells_modules:
        return (_none("this suite does not tell which tests run what", left_open(options)),)
    files = changed_files(bench.ports.trees, tried.change, tried.split.source)
    nothing = Result(check=CHECK, outcome=Outcome.PASS, reason="no Python source was changed: there is nothing to control", measured=0)
    if not files:  # data in a package are part of what its code does
        options = options.model_copy(update={"run": tuple(name for name in options.run if name in _OF_DATA)})
        if not options.run or not data_folders(bench.ports.trees, bench.base_tree, tried.split.source):
            return (nothing,)
    answers = _asked(replace(bench, files=()), tried, options, files, importer)
    said = _said(answers, tuple(file.path for file in files if file.hidden))
    return (*answers, said) if files or said.measured else (*answers, nothing)


def _asked(bench: Bench, tried: Tried, options: Controls, files: tuple[ChangedFile, ...], importer: Importer) -> tuple[Result, ...]:
    ports = bench.ports
    recorded = recording.of_base(bench, tried.evidence.base[0])
    subject = Subject(
        bench,
        tried.change,
        tried.verdict_tree,
        options,
        tried.evidence.base,
        tried.evidence.patched,
        files,
        recorded,
        seed_for(ports.keepsakes, tried.change),
        tried.evidence.own,
        tried.split.tests,
    )
    with ThreadPoolExecutor(min(ports.cores, SIDE_BY_SIDE), thread_name_prefix="control") as pool:
        asking = Asking(subject, pool, ports.monotonic() + options.budget)
        try:
            waiting = _begun(asking, importer)
            return tuple(result for name in NAMES if name in waiting for result in _answer(subject, name, waiting[name]))
        except BaseException:
            ports.sandbox.cancel()
            raise


def _begun(asking: Asking, importer: Importer) -> Mapping[str, Answer]:
    """Everything is asked for before anything is waited for."""
    subject, wanted = asking.subject, frozenset[str](asking.subject.options.run)
    modules = modules_of(subject, importer)
    asker = Asker(asking)
    begun: dict[str, Answer] = {}
    if probing.CHECK in wanted:
        begun[probing.CHECK] = probe.begin(subject, asker, importer, modules)
    if documented.CHECK in wanted:
        begun[documented.CHECK] = docstrings.begin(subject, asker, importer, modules)
    asker.ask()
    if tripwires.CHECK in wanted:
        begun[tripwires.CHECK] = _read(asking)
    problem = "" if subject.recording.complete else f"the recording run on the base is not whole: {subject.recording.problem}"
    for name, begin in _IN_SUITE.items():
        if name in wanted:
            begun[name] = _left(subject, name, problem) if problem and name != revert.CHECK else begin(asking)
    return begun


def _read(asking: Asking) -> Answer:
    """The control that only reads."""
    subject = asking.subject
    told = asking.submit(tripwires.judge, [(file.path, file.base, file.patched) for file in subject.files], subject.options.tripwires)
    return lambda: (told.result(),)


def _left(subject: Subject, name: str, problem: str) -> Answer:
    return lambda: (unproven(subject, name, problem),)


def _answer(subject: Subject, name: str, answer: Answer) -> tuple[Result, ...]:
    try:
        return answer()
    except OverdueError:
        return (unproven(subject, name, "the time for controls was up before its turn; `controls.budget` gives them more"),)
    except InfrastructureError as problem:
        reason = f"{problem} ({problem.hint})" if problem.hint else str(problem)
        return (Result(check=name, outcome=Outcome.UNKNOWN, cause=Cause.INFRASTRUCTURE, reason=reason),)


def _none(why: str, outcome: Outcome) -> Result:
    return Result(check=CHECK, outcome=outcome, reason=f"no control against forged results ran: {why}")


def _said(answers: Collection[Result], hidden: Collection[str] = ()) -> Result:
    """Which controls ran; `hidden` are files whose functions could be read on the base and cannot any more, so that nothing asks about them."""
    if hidden:
        reason = f"what {printable(min(hidden))} defines cannot be read within limits any more: its functions were asked nothing"
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)
    left = [answer.check for answer in answers if answer.outcome is Outcome.UNKNOWN or answer.reason.startswith(UNPROVEN)]
    ran = [
        answer.check
        for answer in answers
        if answer.check not in left and (answer.measured or answer.findings or answer.check == tripwires.CHECK)
    ]
    idle = [answer.check for answer in answers if answer.check not in (*left, *ran)]
    said = {"answered": ran, "had nothing to ask": idle, "could not answer": left}
    reason = "; ".join(f"controls that {what}: {', '.join(names)}" for what, names in said.items() if names)
    return Result(check=CHECK, outcome=Outcome.PASS if ran else Outcome.WARN, reason=reason, measured=len(ran))
