"""Suite runs and errands in sandboxes over one tree: what all runs of a trial share, and how long each may take."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from runner import __version__
from runner.model.sandbox import Errands, Execution, Image, Job, Limits
from runner.model.suite import Errand, SuiteRun
from runner.ports import Plugin, Ports, Reader
from runner.trial.compare import by_id

STALL_FLOOR = 60.0
"""Seconds that any single test may take before it can count as stalled."""
STALL_FACTOR = 20.0
"""How many times its duration on the base a test may take before it counts as stalled."""
WALL_FACTOR, WALL_GRACE = 5.0, 60.0
"""The patched suite may take five times as long as the base's, and a minute, before it is stopped."""
_NOTHING = ("python3", "-I", "-S", "-c", "")


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
    files: tuple[str, ...] = ()
    """The test files that have a process of their own each; empty: one process for all."""
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
        guest: "Guest | None" = None,
    ) -> SuiteRun:
        """Run the suite, or the ids `only`, over one tree; `base` bounds how long it may take, `errands` follow it in the same sandbox.

        A `guest` takes part in the session, and hears its own records.
        """
        plan = self.ports.suite.plan(only=only, files=self.files, plugin=guest.plugin if guest else None)
        limits = self.limits if base is None else self.limits.model_copy(update={"wall": self._wall(base, alone=alone)})
        job = Job(
            image=self.image,
            base_tree=self.base_tree,
            tree=tree,
            argv=plan.argv,
            env={**self.env, **plan.env},
            limits=limits,
            runtime=self.runtime,
            parts=len(plan.children),
            report_file=plan.report_file,
            errands=errands,
            purpose=purpose,
        )
        total = len(base.collected) if base and self.files and not only else None
        suite = self.ports.suite.reader(plan.children)
        suite = _Shared(suite, guest.hears) if guest else suite
        reader = _Counted(suite, total, lambda done, total: self.ports.progress.tests(purpose, done, total))
        durations = {test: record.seconds for test, record in by_id(base).items()} if base else {}
        execution = self.ports.sandbox.run(job, self.ports.trees, reader, stalled=lambda: self._stalled(reader, durations))
        self.executions.append(execution)
        return reader.finish(execution).model_copy(update={"errands": execution.errands})

    def run_errands(self, tree: str, errands: Errands, *, purpose: str = "load", elsewhere: bool = False) -> tuple[Errand, ...] | None:
        """Run errands over one tree without any suite; `None` when the sandbox did not live to tell.

        `elsewhere`: as another user, on a host of another name.
        """
        job = Job(
            image=self.image,
            base_tree=self.base_tree,
            tree=tree,
            argv=_NOTHING,
            env=dict(self.env),
            limits=self.limits,
            runtime=self.runtime,
            errands=errands,
            elsewhere=elsewhere,
            purpose=purpose,
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

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        pass

    def running(self) -> tuple[str, float] | None:
        return None

    def finish(self, execution: Execution) -> SuiteRun:
        return SuiteRun(stop=execution.stop, exit_code=execution.exit_code)


class Guest(NamedTuple):
    """A plugin that takes part in a session, and who hears its records."""

    plugin: Plugin
    hears: Callable[[Mapping[str, Any]], bool]
    """Told of each record, and whether it was one of the plugin's."""


class _Shared:
    """A reader that leaves a guest's records to the guest's."""

    def __init__(self, reader: Reader, hears: Callable[[Mapping[str, Any]], bool]) -> None:
        self._reader, self._hears = reader, hears
        self.running, self.finish = reader.running, reader.finish

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        if not self._hears(record):
            self._reader.record(record, child)


class _Counted:
    """A reader that tells how far the run is."""

    def __init__(self, reader: Reader, total: int | None, tell: Callable[[int, int | None], None]) -> None:
        self._reader, self._known, self._tell, self._done, self._total = reader, total, tell, 0, 0

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        self._reader.record(record, child)
        kind = record.get("k")
        if kind == "collected" and isinstance(ids := record.get("ids"), list):
            self._total += len(ids)
        if kind == "test":
            self._done += 1
            self._tell(self._done, self._known or self._total or None)

    def running(self) -> tuple[str, float] | None:
        return self._reader.running()

    def finish(self, execution: Execution) -> SuiteRun:
        return self._reader.finish(execution)
