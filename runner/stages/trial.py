"""Trial: base and patched suites in disposable sandboxes, compared test by test."""

import re
from datetime import UTC
from typing import NamedTuple

from runner.controls import line
from runner.controls.touched import touched
from runner.errors import ImageUnavailable, InfrastructureError
from runner.model.change import Status
from runner.model.result import Cause, Outcome, Result
from runner.model.run import Run, SandboxFacts
from runner.model.sandbox import Errands, Execution, Image
from runner.model.suite import Comparison, SuiteRun
from runner.policy.load import Loaded
from runner.ports import Ports
from runner.trial import compare, examples, isolation, judge, load, origin, quarantine, sides
from runner.trial.bench import Bench
from runner.trial.configuration import changes_tests
from runner.trial.experiment import Evidence, Wanted, gather
from runner.trial.loading import Loading

CHECKS = (
    load.CHECK,
    judge.BASE,
    judge.TESTS,
    judge.INVENTORY,
    origin.CHECK,
    judge.CHANNELS,
    judge.OWN,
    examples.CHECK,
    isolation.CHECK,
    line.CHECK,
)
_SECTIONS = {load.CHECK: f"validate.{load.CHECK}"}
"""Sections of the policy, for checks that are not the section `tests`'."""
_ODD_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")
LEVEL = (
    "in-process: tests, conftests and test configuration are the base's, but the patched code shares the interpreter with them: "
    "made to deceive, it could forge their results and the session's end"
)

PER_FILE_LEVEL = (
    "per-file: tests, conftests and test configuration are the base's, and each test file ran in a process of its own as a user who can "
    "touch neither another file's results nor the session's end; the patched code shares each such process: made to deceive, it could "
    "forge the results of the file that it runs in"
)

COMMAND_LEVEL = (
    "command: the files that are tests by their names are the base's, and results are what the command's report and exit status say; "
    "where the tested code came from was not controlled, nor which tests there are beyond the report, nor forging"
)


def trial(run: Run, ports: Ports, policy: Loaded) -> Run:
    """Run the suites and add the trial's Results; what the machine is at fault for becomes `unknown` by infrastructure."""
    if any(result.outcome is Outcome.FAIL for result in run.results):
        return run
    options = policy.policy
    try:
        ports.progress.stage("image")
        began = ports.monotonic()
        image = ports.images.ensure(options.sandbox, ports.trees, run.change.base_tree, ports.version)
        timings = {**run.timings, "image": round(ports.monotonic() - began, 3)}
        ports.progress.stage("trial")
        bench = Bench(
            ports,
            image,
            run.change.base_tree,
            options.sandbox.env,
            options.sandbox.limits,
            tests=options.tests.model_dump_json(exclude={"flaky_error", "quarantine"}),
            runtime=options.sandbox.runtime or "",
        )
        changed = _Sides(run, ports, options.validation.load)
        evidence = gather(bench, Wanted(changed.tree(changed.split(None)), changed.trees_for, options.tests, changed.errands))
        split = changed.split(evidence.base[0])
        loaded = _Loaded(changed.imports(bench, split, evidence.patched), _patched_runs(bench, changed.tree(split), evidence))
    except InfrastructureError as problem:
        check = "image" if isinstance(problem, ImageUnavailable) else "sandbox"
        answer = Result(check=check, outcome=Outcome.UNKNOWN, cause=Cause.INFRASTRUCTURE, reason=_sentence(problem))
        return run.with_(results=(*run.results, answer))
    comparison = compare.compare(
        evidence.base,
        evidence.patched,
        steady=evidence.steady,
        own=evidence.own,
        base_cached=evidence.base_cached,
        tests_side=split.tests,
        source_side=split.source,
    )
    comparison = evidence.repeated.beside(comparison)
    seen = touched(ports.trees, run.change, split, evidence.base[0], evidence.patched, evidence.own)
    comparison = comparison.model_copy(update={"touched": seen})
    ports.flaky.save(run.change.base_tree, *evidence.seen)
    aside = quarantine.quarantine(options.tests.quarantine, run.started.astimezone(UTC).date(), evidence.base)
    answers = _answers(run, ports, split, evidence, comparison, loaded, aside)
    answers = (*answers, isolation.judge(evidence.isolation, options.tests.isolation))
    sandbox, began = _facts(image, bench.executions, policy), ports.monotonic()
    controls = _controlled(bench, line.Tried(run.change, changed.tree(split), split, evidence), policy, answers)
    results = tuple(answer.model_copy(update={"policy": policy.where(_SECTIONS.get(answer.check, "tests"))}) for answer in answers)
    results += tuple(answer.model_copy(update={"policy": policy.where("controls")}) for answer in controls)
    timings["controls"] = round(ports.monotonic() - began, 3)
    return run.with_(
        results=(*run.results, *results),
        tests=comparison,
        sandbox=sandbox,
        level=f"{_level(ports, evidence)}; {controls[-1].reason}",
        notes=(*run.notes, *image.notes),
        logs=_logs(evidence),
        timings=timings,
    )


def _controlled(bench: Bench, tried: line.Tried, policy: Loaded, answers: tuple[Result, ...]) -> tuple[Result, ...]:
    """What the controls answer; they have nothing to say about a change that is rejected, or that nothing could be measured of."""
    settled = next((answer for answer in answers if answer.outcome in (Outcome.FAIL, Outcome.UNKNOWN)), None)
    if settled is not None:
        why = f"the check '{settled.check}' has answered {settled.outcome} already"
        return (Result(check=line.CHECK, outcome=Outcome.WARN, reason=f"no control against forged results ran: {why}"),)
    try:
        return line.control(bench, tried, policy.policy.controls)
    except InfrastructureError as problem:
        return (Result(check=line.CHECK, outcome=Outcome.UNKNOWN, cause=Cause.INFRASTRUCTURE, reason=_sentence(problem)),)


class _Sides:
    """The split of the change, before and after the base told its inventory."""

    def __init__(self, run: Run, ports: Ports, options: load.Options | None = None) -> None:
        self._change, self._trees, self._patterns = run.change, ports.trees, ports.suite.patterns
        self._named = {file.path: file for file in run.change.files}
        self._made: dict[tuple[str, ...], str] = {}
        self._splits: dict[str, sides.Sides] = {}
        importer = ports.suite.importer() if options else None
        self._loading = Loading(ports.trees, run.change, importer, options) if importer and options else None

    def split(self, base: SuiteRun | None) -> sides.Sides:
        files = _collected(base) if base is not None else frozenset()
        inventory = sides.Inventory(files, self._patterns) if files else None  # a suite that names no files leaves it to names
        change, trees = self._change, self._trees
        spelling = {path: file.spelling for path, file in self._named.items()}

        def differ(path: str) -> bool:
            return changes_tests(trees, change.base_tree, change.tree, spelling[path])

        return sides.split(change.files, inventory, differ, self._patterns)

    def tree(self, split: sides.Sides) -> str:
        """The patched tree with the tests' side of the base."""
        change = self._change
        if (tree := self._made.get(split.tests)) is None:
            paths = [self._named[path].name for path in split.tests]
            tree = self._trees.with_paths(change.tree, paths, change.base_tree) if paths else change.tree
            self._made[split.tests], self._splits[tree] = tree, split
        return tree

    def trees_for(self, base: SuiteRun) -> tuple[str, str | None]:
        split = self.split(base)
        return self.tree(split), self._change.tree if split.tests else None

    def errands(self, tree: str) -> Errands | None:
        """What is to follow the suite over a verdict tree."""
        return self._loading.errands(tree, self._splits[tree].source) if self._loading else None

    def imports(self, bench: Bench, split: sides.Sides, patched: SuiteRun) -> load.Imports | None:
        """How the changed modules import; `None` where the suite does not tell how."""
        return self._loading.imports(bench, self.tree(split), patched) if self._loading else None


class _Loaded(NamedTuple):
    """What the layer `load` is judged by."""

    imports: load.Imports | None
    runs: tuple[SuiteRun, ...]


def _patched_runs(bench: Bench, tree: str, evidence: Evidence) -> tuple[SuiteRun, ...]:
    """The patched run, and another one where its process ended before it had collected what the base's did."""
    patched, base = evidence.patched, evidence.base[0]
    if not load.ended_early(patched) or not base.collected:
        return (patched,)
    return patched, bench.run("rerun", tree, base=base)


def _collected(base: SuiteRun) -> frozenset[str]:
    r"""The files that hold the base's tests, as a change calls them: a session tells bytes that are not UTF-8 as `\udcNN`."""
    told = {record.path for record in base.records if record.path}
    return frozenset(told | {_ODD_BYTE.sub(r"\\x\1", path) for path in told})


def _answers(
    run: Run,
    ports: Ports,
    split: sides.Sides,
    evidence: Evidence,
    comparison: Comparison,
    loaded: _Loaded,
    aside: quarantine.Quarantine,
) -> tuple[Result, ...]:
    change, trees, first = run.change, ports.trees, evidence.base[0]

    def is_package(folder: str) -> bool:
        return any(trees.read(tree, f"{folder}/__init__.py") is not None for tree in (change.tree, change.base_tree))

    matter = judge.Matter(
        comparison=comparison,
        changed=frozenset(file.path for file in change.files),
        split=split,
        whole=evidence.own if split.tests else evidence.patched,
        excused=compare.excused_by_base(evidence.base) | evidence.own_flaky,
        shaky=compare.flaky_on_base(evidence.base),
        removed=compare.removed(evidence.base, evidence.own) if evidence.own else (),
        quarantine=aside,
    )
    base = judge.judge_base(evidence.base)
    measurable = base.outcome is not Outcome.UNKNOWN
    runs = [("base", first), ("patched", evidence.patched)]
    collected = [(record.id, record.path) for record in first.records]
    gone = frozenset(file.path for file in change.files if file.status is Status.DELETED)
    own = evidence.own
    tried = None if own is None else frozenset(record.path for record in (*own.records, *own.collect_errors))
    python = any(path.endswith(".py") for path in split.source)
    return (
        load.judge_load(loaded.imports, matter, evidence.base, loaded.runs, python=python),
        base,
        judge.judge_tests(matter) if measurable else judge.no_measure(judge.TESTS),
        judge.judge_inventory(matter, evidence.patched) if measurable else judge.no_measure(judge.INVENTORY),
        origin.judge(runs, split.source, is_package, gone=gone, can_tell=ports.suite.tells_modules),
        judge.judge_channels(evidence.patched, first),
        judge.judge_own(evidence.own, matter, evidence.own_flaky),
        examples.judge(trees, change.base_tree, change.tree, collected, examples.Sorted(split.source, split.tests, tried)),
    )


def _level(ports: Ports, evidence: Evidence) -> str:
    if not ports.suite.tells_modules:
        return COMMAND_LEVEL
    return PER_FILE_LEVEL if evidence.isolation.files else LEVEL


def _facts(image: Image, executions: list[Execution], policy: Loaded) -> SandboxFacts:
    last = executions[-1] if executions else None
    limits = policy.policy.sandbox.limits.model_dump(mode="json")
    return SandboxFacts(
        image=image.reference,
        digest=image.id,
        runtime=last.runtime if last else "",
        working_copy=last.working_copy if last else "",
        limits={name: str(value) for name, value in limits.items()},
        in_force=last.in_force if last else {},
    )


def _logs(evidence: Evidence) -> dict[str, str]:
    runs = {"base": evidence.base[0], "patched": evidence.patched, "own": evidence.own}
    return {name: suite.log for name, suite in runs.items() if suite is not None}


def _sentence(problem: InfrastructureError) -> str:
    return f"{problem} ({problem.hint})" if problem.hint else str(problem)
