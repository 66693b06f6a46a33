"""Suite runs in sandboxes: which runs a trial needs, side by side where there are cores for it."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from runner import __version__
from runner.model.sandbox import Errands, Execution, Image, Job, Limits
from runner.model.suite import Errand, SuiteRun
from runner.ports import Ports, Reader
from runner.trial import again
from runner.trial.compare import by_id, own_doubts, suspects

STALL_FLOOR = 60.0
"""Seconds that any single test may take before it can count as stalled."""
STALL_FACTOR = 20.0
"""How many times its duration on the base a test may take before it counts as stalled."""
WALL_FACTOR, WALL_GRACE = 5.0, 60.0
"""The patched suite may take five times as long as the base's, and a minute, before it is stopped."""
_NOTHING = ("python3", "-I", "-S", "-c", "")
SIDE_BY_SIDE = 2
"""How many suites run at the same time, where there are cores for it."""


@dataclass(frozen=True)
class Bench:
    """What every suite run of one trial shares."""

    ports: Ports
    image: Image
    base_tree: str
    env: Mapping[str, str]
    limits: Limits
    tests: str = ""
    """How the suite is run and read, as the policy has it."""
    runtime: str = ""
    """The OCI runtime by the engine's name for it; empty: the engine's own default."""
    executions: list[Execution] = field(default_factory=list)

    def key(self, base_runs: int) -> str:
        """Names the base's results: same tree, image, command, environment, limits and runtime, same results."""
        plan = self.ports.suite.plan()
        limits = self.limits.model_dump(mode="json")
        what = [__version__, self.base_tree, self.image.id, self.tests, *plan, dict(self.env), limits, self.runtime, base_runs]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def run(
        self,
        purpose: str,
        tree: str,
        *,
        only: Sequence[str] = (),
        base: SuiteRun | None = None,
        alone: bool = False,
        errands: Errands | None = None,
    ) -> SuiteRun:
        """Run the suite, or the ids `only`, over one tree; `base` bounds how long it may take, `errands` follow it in the same sandbox."""
        plan = self.ports.suite.plan(only=only)
        limits = self.limits if base is None else self.limits.model_copy(update={"wall": self._wall(base, alone=alone)})
        job = Job(
            image=self.image,
            base_tree=self.base_tree,
            tree=tree,
            argv=plan.argv,
            env={**self.env, **plan.env},
            limits=limits,
            runtime=self.runtime,
            report_file=plan.report_file,
            errands=errands,
            purpose=purpose,
        )
        reader = _Counted(self.ports.suite.reader(), lambda done, total: self.ports.progress.tests(purpose, done, total))
        durations = {test: record.seconds for test, record in by_id(base).items()} if base else {}
        execution = self.ports.sandbox.run(job, self.ports.trees, reader, stalled=lambda: self._stalled(reader, durations))
        self.executions.append(execution)
        return reader.finish(execution).model_copy(update={"errands": execution.errands})

    def run_errands(self, tree: str, errands: Errands) -> tuple[Errand, ...] | None:
        """Run errands over one tree without any suite; `None` when the sandbox did not live to tell."""
        job = Job(
            image=self.image,
            base_tree=self.base_tree,
            tree=tree,
            argv=_NOTHING,
            env=dict(self.env),
            limits=self.limits,
            runtime=self.runtime,
            errands=errands,
            purpose="load",
        )
        execution = self.ports.sandbox.run(job, self.ports.trees, _Deaf())
        return execution.errands

    def _wall(self, base: SuiteRun, *, alone: bool) -> float:
        most = STALL_FLOOR + WALL_GRACE if alone else WALL_FACTOR * base.usage.seconds + WALL_GRACE
        return min(self.limits.wall, most)

    def _stalled(self, reader: Reader, durations: Mapping[str, float]) -> bool:
        running = reader.running()
        if running is None or running[0] not in durations:
            return False
        return self.ports.monotonic() - running[1] > max(STALL_FLOOR, STALL_FACTOR * durations[running[0]])


class _Deaf:
    """A reader for a sandbox in which nobody has anything to say."""

    def record(self, record: Mapping[str, Any]) -> None:
        pass

    def running(self) -> tuple[str, float] | None:
        return None

    def finish(self, execution: Execution) -> SuiteRun:
        return SuiteRun(stop=execution.stop, exit_code=execution.exit_code)


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
    steady: Mapping[str, bool]
    """Of suspects that were run again: whether they fail steadily."""
    own_flaky: frozenset[str]
    """Tests of the own suite that failed once and passed when run again, alone and in full."""


def gather(
    bench: Bench,
    *,
    guess: str,
    verdict_tree: Callable[[SuiteRun], tuple[str, str | None]],
    base_runs: int,
    reruns: int,
    errands: Callable[[str], Errands | None] = lambda _: None,
) -> Evidence:
    """Run what is needed: the base (cached), the verdict tree, the change's own tests, and suspects again.

    `guess` is the verdict tree as far as names tell; `verdict_tree` gives, from the base's inventory, the exact one and the
    tree with the change's own tests (`None` when it brings none). `errands` gives what follows the suite over a verdict tree.
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
                early = pool.submit(bench.run, "patched", guess, errands=errands(guess))
            others = [pool.submit(bench.run, "base again", bench.base_tree) for _ in range(base_runs - 1)]
            base_first = first.result()
        else:
            others, base_first = [], cached[0]
        tree, own_tree = verdict_tree(base_first)
        own_run = pool.submit(bench.run, "own", own_tree, base=base_first) if own_tree else None
        if early is None or tree != guess:
            early = pool.submit(bench.run, "patched", tree, base=base_first, errands=errands(tree))
        patched, own = early.result(), own_run.result() if own_run else None
        base = cached or (base_first, *(other.result() for other in others))
    except BaseException:
        bench.ports.sandbox.cancel()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if cached is None and all(run.ended for run in base):
        bench.ports.baselines.save(key, base)
    patched = again.alone(bench, tree, base_first, patched)
    steady = again.steady(bench, "rerun", tree, base_first, suspects(base, patched), reruns)
    own_suspects = own_doubts(base, own) if own is not None else ()
    own_steady = again.steady(bench, "own", own_tree, base_first, own_suspects, reruns) if own_tree else {}
    flaky = frozenset(test for test, fails in own_steady.items() if not fails)
    return Evidence(base=base, base_cached=cached is not None, patched=patched, own=own, steady=steady, own_flaky=flaky)
