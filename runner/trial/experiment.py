"""Suite runs in sandboxes: which runs a trial needs, side by side where there are cores for it."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from runner.model.sandbox import Execution, Image, Job, Limits
from runner.model.suite import SuiteRun, TestOutcome, TestRecord
from runner.ports import Ports, Reader
from runner.trial.compare import FAILED, by_id, suspects

STALL_FLOOR = 60.0
"""Seconds that any single test may take before it can count as stalled."""
STALL_FACTOR = 20.0
"""How many times its duration on the base a test may take before it counts as stalled."""
WALL_FACTOR, WALL_GRACE = 5.0, 60.0
"""The patched suite may take five times as long as the base's, and a minute, before it is stopped."""
SIDE_BY_SIDE = 2
"""How many suites run at the same time, where there are cores for it."""
RERUN_MOST = 50
"""How many suspects are run again; more of them than that are not a matter of chance."""


@dataclass(frozen=True)
class Bench:
    """What every suite run of one trial shares."""

    ports: Ports
    image: Image
    base_tree: str
    env: Mapping[str, str]
    limits: Limits
    executions: list[Execution] = field(default_factory=list)

    def key(self, base_runs: int) -> str:
        """Names the base's results: same tree, image, command, environment and limits, same results."""
        plan = self.ports.suite.plan()
        what = [self.base_tree, self.image.id, plan.argv, plan.env, dict(self.env), self.limits.model_dump(mode="json"), base_runs]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def run(self, purpose: str, tree: str, *, only: Sequence[str] = (), base: SuiteRun | None = None, alone: bool = False) -> SuiteRun:
        """Run the suite, or the ids `only`, over one tree; `base` bounds how long it may take."""
        plan = self.ports.suite.plan(only=only)
        limits = self.limits if base is None else self.limits.model_copy(update={"wall": self._wall(base, alone=alone)})
        job = Job(
            image=self.image,
            base_tree=self.base_tree,
            tree=tree,
            argv=plan.argv,
            env={**self.env, **plan.env},
            limits=limits,
            report_file=plan.report_file,
            purpose=purpose,
        )
        reader = _Counted(self.ports.suite.reader(), lambda done, total: self.ports.progress.tests(purpose, done, total))
        durations = {test: record.seconds for test, record in by_id(base).items()} if base else {}
        execution = self.ports.sandbox.run(job, self.ports.trees, reader, stalled=lambda: self._stalled(reader, durations))
        self.executions.append(execution)
        return reader.finish(execution)

    def _wall(self, base: SuiteRun, *, alone: bool) -> float:
        most = STALL_FLOOR + WALL_GRACE if alone else WALL_FACTOR * base.usage.seconds + WALL_GRACE
        return min(self.limits.wall, most)

    def _stalled(self, reader: Reader, durations: Mapping[str, float]) -> bool:
        running = reader.running()
        if running is None or running[0] not in durations:
            return False
        return self.ports.monotonic() - running[1] > max(STALL_FLOOR, STALL_FACTOR * durations[running[0]])


class _Counted:
    """A reader that tells how far the run is."""

    def __init__(self, reader: Reader, tell: Callable[[int, int | None], None]) -> None:
        self._reader, self._tell, self._done, self._total = reader, tell, 0, 0

    def record(self, record: Mapping[str, Any]) -> None:
        self._reader.record(record)
        kind = record.get("k")
        if kind == "collected" and isinstance(ids := record.get("ids"), list):
            self._total += len(ids)
        if kind == "test":
            self._done += 1
            self._tell(self._done, self._total or None)

    def running(self) -> tuple[str, float] | None:
        return self._reader.running()

    def finish(self, execution: Execution) -> SuiteRun:
        return self._reader.finish(execution)


@dataclass(frozen=True)
class Evidence:
    """Every run a trial made."""

    base: tuple[SuiteRun, ...]
    base_cached: bool
    patched: SuiteRun
    own: SuiteRun | None
    steady: dict[str, bool]


def gather(
    bench: Bench,
    *,
    guess: str,
    verdict_tree: Callable[[SuiteRun], tuple[str, str | None]],
    base_runs: int,
    reruns: int,
) -> Evidence:
    """Run what is needed: the base (cached), the verdict tree, the change's own tests, and suspects again.

    `guess` is the verdict tree as far as names tell; `verdict_tree` gives, from the base's inventory, the exact one and the
    tree with the change's own tests (`None` when it brings none).
    """
    key = bench.key(base_runs)
    cached = bench.ports.baselines.load(key)
    workers = min(bench.ports.cores, SIDE_BY_SIDE)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="suite")
    try:
        early: Future[SuiteRun] | None = None
        if cached is None:
            first = pool.submit(bench.run, "base", bench.base_tree)
            if workers > 1:
                early = pool.submit(bench.run, "patched", guess)
            others = [pool.submit(bench.run, "base again", bench.base_tree) for _ in range(base_runs - 1)]
            base_first = first.result()
        else:
            others, base_first = [], cached[0]
        tree, own_tree = verdict_tree(base_first)
        own_run = pool.submit(bench.run, "own", own_tree, base=base_first) if own_tree else None
        if early is None or tree != guess:
            early = pool.submit(bench.run, "patched", tree, base=base_first)
        patched, own = early.result(), own_run.result() if own_run else None
        base = cached or (base_first, *(other.result() for other in others))
    except BaseException:
        bench.ports.sandbox.cancel()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if cached is None and all(run.ended for run in base):
        bench.ports.baselines.save(key, base)
    patched, steady = _again(bench, tree, base, patched, reruns)
    if own is not None and own_tree is not None and reruns:
        own = _own_again(bench, own_tree, base_first, own)
    return Evidence(base=base, base_cached=cached is not None, patched=patched, own=own, steady=steady)


def _again(bench: Bench, tree: str, base: Sequence[SuiteRun], patched: SuiteRun, reruns: int) -> tuple[SuiteRun, dict[str, bool]]:
    """Run suspects again to tell broken from flaky, and the test that was in flight when the suite stopped, alone."""
    patched = _alone(bench, tree, base[0], patched)
    doubtful = suspects(base, patched)
    if not doubtful or not reruns or len(doubtful) > RERUN_MOST:
        return patched, {}
    passed_alone = set(doubtful)
    for _ in range(reruns):
        again = by_id(bench.run("rerun", tree, only=doubtful, base=base[0]))
        passed_alone &= {test for test in doubtful if test in again and again[test].outcome.held}
        if not passed_alone:
            break
    if passed_alone:
        # alone they pass; in the whole suite they may fail every time, because of what runs before them
        whole = by_id(bench.run("rerun", tree, base=base[0]))
        passed_alone &= {test for test in passed_alone if test in whole and whole[test].outcome.held}
    return patched, {test: test not in passed_alone for test in doubtful}


def _own_again(bench: Bench, tree: str, base: SuiteRun, own: SuiteRun) -> SuiteRun:
    """The suite with the change's own tests, where tests that pass when run again have that result."""
    before = by_id(base)
    failing = [test for test, record in by_id(own).items() if record.outcome in FAILED and not _failed(before.get(test))]
    if not failing or len(failing) > RERUN_MOST:
        return own
    again = by_id(bench.run("own", tree, only=failing, base=base))
    mended = {test: again[test] for test in failing if test in again and again[test].outcome.held}
    return SuiteRun(**{**dict(own), "records": tuple(mended.get(record.id, record) for record in own.records)})


def _failed(record: TestRecord | None) -> bool:
    return record is not None and record.outcome in FAILED


def _alone(bench: Bench, tree: str, base: SuiteRun, patched: SuiteRun) -> SuiteRun:
    """Give the test in flight an explicit result: alone, it hangs or ends the process again, or it does not."""
    test = patched.in_flight
    known = by_id(base).get(test) if test else None
    if test is None or known is None or not known.outcome.held or test in by_id(patched):
        return patched
    again = bench.run("rerun", tree, only=[test], base=base, alone=True)
    if again.in_flight != test or test in by_id(again):
        return patched
    outcome = TestOutcome.CRASHED if again.stop.value == "exited" else TestOutcome.HUNG
    text = (
        f"run alone it ended the process (exit status {again.exit_code})"
        if outcome is TestOutcome.CRASHED
        else f"run alone it did not end in {again.usage.seconds:.0f}s; on the base it took {known.seconds:.2f}s"
    )
    record = TestRecord(id=test, outcome=outcome, seconds=again.usage.seconds, text=text, path=known.path)
    return SuiteRun(**{**dict(patched), "records": (*patched.records, record)})
